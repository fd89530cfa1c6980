import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startServer } from './server.ts';
import { call, makeTaskFolder, post, serveTasks } from './task-folder.ts';

const FRIES = `export default defineTask({
  name: 'make_fries', queueSize: 100, input: z.object({ fries_name: z.string(), amount: z.int().default(1) }),
  async run(input, { progress, signal }) {
    progress(0.1, 'peeling');
    return \`Your \${input.amount} fries \${input.fries_name} are ready\`;
  },
});`;

const COUNT = `export default defineTask({
  name: 'count', methods: ['GET', 'POST'],
  input: z.object({ to: z.int(), fail_at: z.int().default(-1), pad: z.int().default(0) }),
  *run({ to, fail_at, pad }, { log }) {
    for (let i = 0; i < to; i++) {
      if (i === fail_at) throw new Error('no more');
      if (i % 1000 === 0) log.info({ made: i }, 'made');
      yield { i, pad: 'x'.repeat(pad) };
    }
  },
});`;

for (const transport of ['uws', 'node'] as const) {
  suite(`users' tasks over ${transport}`, () => {
    const args = ['--transport', transport];

    test('a file with a function is a route: input by JSON, form, query; schemas and errors follow', async () => {
      await using server = await serveTasks({ 'make-fries': FRIES }, args);
      const url = `${server.url}/make_fries`;
      const expected = 'Your 2 fries curly are ready';
      assert.equal((await post(url, { fries_name: 'curly', amount: 2 })).json, expected);
      assert.equal((await call(url, { method: 'POST', body: 'fries_name=curly&amount=2' })).json, expected);
      assert.equal((await call(`${url}?fries_name=curly&amount=2`, { method: 'POST' })).json, expected);
      const form = new FormData();
      form.set('fries_name', 'curly');
      form.set('amount', '2');
      assert.equal((await call(url, { method: 'POST', body: form })).json, expected);
      const members = { fries_name: 'curly', deadline: '5' };
      for (const misplaced of [
        await post(url, members),
        await call(url, { method: 'POST', body: new URLSearchParams(members) }),
      ]) {
        assert.deepEqual([misplaced.status, misplaced.json.code], [422, 'invalid_input']);
        assert.match(misplaced.json.detail, /^deadline: .*\?deadline=/);
      }
      const wrong = await post(`${server.url}/v1/tasks/make_fries`, { amount: 'many' });
      assert.equal(wrong.status, 422);
      assert.match(wrong.json.detail, /fries_name: .*amount: /);
      const { json: told } = await call(`${server.url}/v1/tasks/make_fries`);
      assert.equal(told.input_schema.properties.fries_name.type, 'string');
      assert.deepEqual([told.queue_size, told.path, told.methods, told.answer], [100, '/make_fries', ['POST'], 'sync']);
    });

    test('path, methods, path parameters, result schema, deadline and maximum are the task’s own', async () => {
      await using server = await serveTasks(
        {
          double: `export default defineTask({
            name: 'double', path: '/math/double/{n}', methods: ['GET', 'PUT'], input: z.object({ n: z.int() }),
            result: z.object({ doubled: z.int() }), deadlineS: 5, maxDeadlineS: 7,
            run: ({ n }) => ({ doubled: n === 13 ? 'thirteen' : n * 2, more: true }),
          });`,
        },
        args,
      );
      assert.deepEqual((await call(`${server.url}/math/double/21`)).json, { doubled: 42 });
      assert.deepEqual((await call(`${server.url}/math/double/4`, { method: 'PUT' })).json, { doubled: 8 });
      assert.equal((await call(`${server.url}/math/double/4`, { method: 'POST' })).status, 405);
      const broken = await call(`${server.url}/math/double/13`);
      assert.equal(broken.status, 500);
      assert.match(broken.json.detail, /its result does not fit: doubled/);
      const { json: told } = await call(`${server.url}/v1/tasks/double`);
      assert.deepEqual([told.deadline, told.max_deadline, told.methods], [5, 7, ['GET', 'PUT']]);
      assert.ok(told.result_schema.properties.doubled);
    });

    test('a generator is streamed as lines or events, or collected, and a failure in its midst is told', async () => {
      await using server = await serveTasks({ count: COUNT }, args);
      const url = `${server.url}/count`;
      const lines = await call(`${url}?to=3`);
      assert.match(lines.headers.get('content-type') ?? '', /x-ndjson/);
      assert.equal(lines.text, [0, 1, 2].map((i) => `{"i":${i},"pad":""}\n`).join(''));
      for (const prefer of ['handling=lenient', 'wait=soon', 'return=minimal, handling=strict']) {
        assert.equal((await call(`${url}?to=3`, { headers: { prefer } })).text, lines.text, prefer);
      }
      const events = await call(`${url}?to=2`, { headers: { accept: 'text/event-stream' } });
      assert.match(events.text, /event: item\ndata: \{"i":0,"pad":""\}\n\n/);
      assert.match(events.text, /event: done\ndata: \{"items":2\}/);
      const whole = await call(`${url}?to=2`, { headers: { prefer: 'wait=10' } });
      assert.deepEqual(
        whole.json.map(({ i }: { i: number }) => i),
        [0, 1],
      );
      const late = await call(`${url}?to=5&fail_at=2`);
      assert.match(
        late.text.trim().split('\n')[2] ?? '',
        /^\{"error":\{"code":"internal","detail":".*no more \(count\.ts:\d+\)","job_id":"\w+"\}\}$/,
      );
      const early = await call(`${url}?to=5&fail_at=0`);
      assert.deepEqual([early.status, early.json.code], [500, 'internal']);
    });

    test('a task that says stream and returns a value has one item; a cancelled one tells so', async () => {
      await using server = await serveTasks(
        {
          plain:
            "export default defineTask({ name: 'plain', methods: ['GET'], answer: 'stream', run: () => ({ only: 1 }) });",
          slow: `export default defineTask({ name: 'slow', methods: ['GET'], async *run() {
            yield 1; await new Promise(() => undefined); } });`,
        },
        args,
      );
      assert.equal((await call(`${server.url}/plain`)).text, '{"only":1}\n');
      /** The first item, then what comes once `end` has been called. */
      const readSlow = async (query: string, end: (job: string) => Promise<unknown>) => {
        const answer = await fetch(`${server.url}/slow${query}`);
        const job = new URL(answer.headers.get('content-location') ?? '').pathname;
        const chunks: string[] = [];
        for await (const chunk of answer.body ?? []) {
          chunks.push(Buffer.from(chunk).toString());
          if (chunks.length === 1) await end(job);
        }
        return chunks.join('');
      };
      const cancel = (job: string) => call(server.url + job, { method: 'DELETE' });
      assert.match(await readSlow('', cancel), /^1\n\{"error":\{"code":"cancelled",.*\}\}\n$/);
      const wait = async () => undefined;
      assert.match(await readSlow('?deadline=5', wait), /^1\n\{"error":\{"code":"deadline_exceeded",.*\}\}\n$/);
    });

    test('a generator waits while its reader does not read', async () => {
      await using server = await serveTasks({ count: COUNT }, args);
      const socket = connect(server.port, '127.0.0.1');
      socket.write('GET /count?to=100000&pad=10000 HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'readable');
      const made = () => [...server.log().matchAll(/"made":(\d+)/g)].map(([, count]) => Number(count)).at(-1) ?? 0;
      let before = -1;
      while (made() !== before) {
        before = made();
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      assert.ok(before < 20_000, `${before} items of 10 kB were made for nobody`);
      socket.destroy();
      let state = await call(`${server.url}/v1/server`);
      while (state.json.workers.busy > 0) state = await call(`${server.url}/v1/server`);
    });

    test('async answers 202 and the job at once, and its reply may have a shape of its own', async () => {
      await using server = await serveTasks(
        {
          slow: `export default defineTask({ name: 'slow', answer: 'async', async run(_, { progress }) {
            progress(0.4, 'half'); await new Promise((resolve) => setTimeout(resolve, 500)); return 'done'; } });`,
          shaped: `export default defineTask({ name: 'shaped', answer: 'async', reply: ({ id }) => ({ ticket: id }), run: () => 1 });`,
        },
        args,
      );
      const { status, json: job } = await call(`${server.url}/slow`, { method: 'POST' });
      assert.equal(status, 202);
      const { json: done } = await call(`${server.url}/v1/jobs/${job.id}?wait=20`);
      assert.deepEqual([done.status, done.result], ['succeeded', 'done']);
      assert.equal((await call(`${server.url}/slow`, { method: 'POST', headers: { prefer: 'wait=20' } })).json, 'done');
      const shaped = await call(`${server.url}/shaped`, { method: 'POST' });
      assert.deepEqual([shaped.status, Object.keys(shaped.json)], [200, ['ticket']]);
    });

    test('inline endpoints need no worker and no queue, see the jobs, and make them', async () => {
      await using server = await serveTasks(
        {
          'make-fries': FRIES,
          ping: `export default defineTask({ name: 'ping', methods: ['GET'], runs: 'inline', run: () => ({ pid: process.pid }) });`,
          order: `export default defineTask({ name: 'order', runs: 'inline', input: z.object({ kind: z.string() }),
            async run({ kind }, { jobs }) {
              const { result, status } = await jobs.run('make_fries', { fries_name: kind });
              const { id } = await jobs.submit('make_fries', { fries_name: 'more' });
              return { result, status, more: id };
            } });`,
          lines: `export default defineTask({ name: 'lines', methods: ['GET'], runs: 'inline', async *run() { yield 1; yield 2; } });`,
          wrong: `export default defineTask({ name: 'wrong', methods: ['GET'], runs: 'inline', run: () => { throw new Error('oh'); } });`,
        },
        args,
      );
      assert.equal((await call(`${server.url}/ping`)).json.pid, server.child.pid);
      const { json } = await post(`${server.url}/order`, { kind: 'straight' });
      assert.deepEqual([json.result, json.status], ['Your 1 fries straight are ready', 'succeeded']);
      assert.equal(
        (await call(`${server.url}/v1/jobs/${json.more}?wait=20`)).json.result,
        'Your 1 fries more are ready',
      );
      assert.equal((await call(`${server.url}/lines`)).text, '1\n2\n');
      assert.match((await call(`${server.url}/wrong`)).json.detail, /oh \(wrong\.ts:2\)/);
    });

    test('files among items are links that open, from a worker and from an endpoint', async () => {
      const run = "async *run(_, { file }) { yield await file('a.txt', 'hi'); }";
      await using server = await serveTasks(
        {
          there: `export default defineTask({ name: 'there', methods: ['GET'], ${run} });`,
          here: `export default defineTask({ name: 'here', methods: ['GET'], runs: 'inline', ${run} });`,
        },
        args,
      );
      for (const path of ['/there', '/here']) {
        const { json } = await call(server.url + path);
        assert.deepEqual([json.name, json.size, json.media_type], ['a.txt', 2, 'text/plain']);
        let linked = await call(json.url);
        while (linked.status === 404 && linked.headers.has('retry-after')) linked = await call(json.url);
        assert.equal(linked.text, 'hi', path);
      }
    });

    test('an endpoint’s generator that fails as its caller hangs up costs nobody else anything', async () => {
      const items =
        "async *run() { try { for (;;) { yield 'x'.repeat(1000); } } finally { throw new Error('no way out'); } }";
      const endless = `export default defineTask({ name: 'endless', methods: ['GET'], runs: 'inline', ${items} });`;
      await using server = await serveTasks({ endless }, args);
      const caller = new AbortController();
      const answer = await fetch(`${server.url}/endless`, { signal: caller.signal });
      await answer.body?.getReader().read();
      caller.abort();
      while (!/did not end well/.test(server.log())) assert.equal((await call(`${server.url}/healthz`)).status, 200);
      assert.equal(server.child.exitCode, null);
    });

    test('a job that an endpoint waits for ends with the endpoint’s deadline', async () => {
      await using server = await serveTasks(
        {
          spin: "export default defineTask({ name: 'spin', run() { for (;;); } });",
          wait: `export default defineTask({ name: 'wait', methods: ['GET'], runs: 'inline', deadlineS: 1,
            run: (_, { jobs }) => jobs.run('spin') });`,
        },
        args,
      );
      assert.equal((await call(`${server.url}/wait`)).status, 504);
      let state = await call(`${server.url}/v1/server`);
      while (state.json.workers.busy > 0) state = await call(`${server.url}/v1/server`);
      const { json } = await call(`${server.url}/v1/jobs?task=spin`);
      assert.ok(['cancelled', 'timed_out'].includes(json.jobs[0].status));
    });

    test('queues per worker: the least busy one is chosen, each is bounded, and the pool is the task’s own', async () => {
      await using server = await serveTasks(
        {
          spin: `export default defineTask({ name: 'spin', workers: 3, queues: 'per-worker', queueSize: 1, answer: 'async',
            input: z.object({ ms: z.int() }),
            run({ ms }) { const end = performance.now() + ms; while (performance.now() < end); return process.pid; } });`,
          'make-fries': FRIES,
        },
        args,
      );
      const spin = () => post(`${server.url}/spin`, { ms: 1500 });
      const answers = await Promise.all(Array.from({ length: 8 }, spin));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 202, 202, 202, 202, 202, 503, 503]);
      assert.equal((await post(`${server.url}/make_fries`, { fries_name: 'quick' })).status, 200);
      const ids = answers.filter(({ status }) => status === 202).map(({ json }) => json.id);
      const jobs = await Promise.all(ids.map((id) => call(`${server.url}/v1/jobs/${id}?wait=30`)));
      assert.deepEqual(new Set(jobs.map(({ json }) => json.status)), new Set(['succeeded']));
      assert.equal(new Set(jobs.map(({ json }) => json.result)).size, 3);
    });
  });
}

test('what an endpoint linked to is there after a restart; what a job that died left is not', async () => {
  const run = "async run(_, { file }) { return await file('a.txt', 'hi'); }";
  using folder = makeTaskFolder({
    here: `export default defineTask({ name: 'here', methods: ['GET'], runs: 'inline', ${run} });`,
  });
  const dataDir = join(folder.path, 'var');
  const start = () => startServer({ dataDir, args: ['--tasks', folder.path, '--workers', '1'] });
  let path: string;
  {
    await using server = await start();
    path = new URL((await call(`${server.url}/here`)).json.url).pathname;
  }
  const left = join(dataDir, 'blobs/results/01ARZ3NDEKTSV4RRFFQ69G5FAV/pages');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, '1'), 'x');
  writeFileSync(join(left, '1.json'), JSON.stringify({ size: 1, meta: {} }));
  await using server = await start();
  while (existsSync(left)) await call(`${server.url}/healthz`);
  assert.equal((await call(server.url + path)).text, 'hi');
});
