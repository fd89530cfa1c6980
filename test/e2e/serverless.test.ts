import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createHandler } from '../../src/serverless.ts';
import { makeTaskFolder } from './task-folder.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const TASKS = {
  fries: `export default defineTask({ name: 'make_fries', path: '/kitchen/make_fries',
    input: z.object({ fries_name: z.string(), amount: z.int().default(1) }),
    async run(input, { progress }) { progress(0.5, 'peeling'); return \`Your \${input.amount} fries \${input.fries_name} are ready\`; } });`,
  picture: `export default defineTask({ name: 'picture', files: { image: 'image' },
    run: async (_, { files: { image }, file }) => ({ kind: image.mediaType, out: await file('out.png', image) }) });`,
  count: `export default defineTask({ name: 'count', input: z.object({ to: z.int() }),
    *run({ to }) { for (let i = 0; i < to; i++) yield i; } });`,
  hello: `export default defineTask({ name: 'hello', runs: 'inline', input: z.object({ data: z.string() }), run: ({ data }) => ({ data }) });`,
  fails: `export default defineTask({ name: 'fails', run: () => { throw new Error('no luck'); } });`,
};

interface Post {
  readonly kind: string;
  readonly id: string;
  readonly body: Record<string, ReturnType<typeof JSON.parse>>;
}

/** RunPod's side: hands out jobs one by one, and keeps what it is sent. The paths are those of its workers' variables. */
async function startStandIn(jobs: { id: string; input: object }[]) {
  const posts: Post[] = [];
  const takes: string[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    assert.equal(request.headers.authorization, 'secret-key');
    const [, kind = '', id = ''] = url.pathname.split('/');
    if (kind === 'job-take') {
      takes.push(url.search);
      const job = jobs.shift();
      if (!job) await new Promise((resolve) => setTimeout(resolve, 200));
      response.writeHead(job ? 200 : 204).end(job && JSON.stringify(job));
      return;
    }
    let body = '';
    for await (const chunk of request) body += chunk;
    posts.push({ kind, id, body: body === '' ? {} : JSON.parse(body) });
    response.end();
    for (const wake of waiting.splice(0)) wake();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = {
    RUNPOD_WEBHOOK_GET_JOB: `${root}/job-take/$ID?gpu=none`,
    RUNPOD_WEBHOOK_POST_OUTPUT: `${root}/job-done/$ID/$RUNPOD_POD_ID?gpu=none`,
    RUNPOD_WEBHOOK_POST_STREAM: `${root}/job-stream/$ID/$RUNPOD_POD_ID?gpu=none`,
    RUNPOD_WEBHOOK_PING: `${root}/ping/$RUNPOD_POD_ID`,
    RUNPOD_PING_INTERVAL: '300',
    RUNPOD_AI_API_KEY: 'secret-key',
    RUNPOD_POD_ID: 'pod-1',
  };
  async function until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise<void>((resolve) => waiting.push(resolve));
  }
  return { posts, takes, env, until, [Symbol.asyncDispose]: async () => void server.close() };
}

suite('without an HTTP server', () => {
  test('RunPod’s jobs are taken, routed by their path, and answered with progress, items, files and errors', async () => {
    using folder = makeTaskFolder(TASKS);
    await using runpod = await startStandIn([
      { id: 'a', input: { path: 'kitchen/make_fries', fries_name: 'curly', amount: 3 } },
      { id: 'b', input: { path: '/picture', image: PNG } },
      { id: 'c', input: { path: 'count', to: 3 } },
      { id: 'd', input: { path: 'hello', data: 'x' } },
      { id: 'e', input: { path: 'fails' } },
      { id: 'f', input: { path: 'nowhere' } },
      { id: 'g', input: { path: 'picture', image: 'bm90IGFuIGltYWdl' } },
    ]);
    const main = new URL('../../src/main.ts', import.meta.url).pathname;
    const args = [main, '--tasks', folder.path, '--data-dir', join(folder.path, 'var'), '--workers', '2'];
    // As FastTaskAPI's settings say it.
    const env = { ...process.env, ...runpod.env, FTAPI_BACKEND: 'runpod', FTAPI_DEPLOYMENT: 'serverless' };
    const worker: ChildProcess = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    using _ended = { [Symbol.dispose]: () => void worker.kill('SIGKILL') };
    const isEnd = ({ kind, body }: Post) => kind === 'job-done' && body.status !== 'IN_PROGRESS';
    await runpod.until(() => runpod.posts.filter(isEnd).length === 7);
    const endOf = (id: string) => runpod.posts.find((post) => post.id === id && isEnd(post))?.body ?? {};
    assert.deepEqual(endOf('a'), { output: 'Your 3 fries curly are ready' });
    const progress = runpod.posts.find(({ id, body }) => id === 'a' && body.status === 'IN_PROGRESS');
    assert.deepEqual(progress?.body.output, { progress: 0.5, message: 'peeling' });
    assert.equal(endOf('b').output.kind, 'image/png');
    assert.equal(endOf('b').output.out.base64, PNG);
    const items = runpod.posts.filter(({ kind, id }) => kind === 'job-stream' && id === 'c');
    assert.deepEqual(
      items.map(({ body }) => body.output),
      [0, 1, 2],
    );
    assert.deepEqual(endOf('d'), { output: { data: 'x' } });
    assert.match(JSON.parse(endOf('e').error).error_message, /no luck \(fails\.ts:2\)/);
    assert.equal(JSON.parse(endOf('f').error).error_type, 'not_found');
    assert.equal(JSON.parse(endOf('g').error).error_type, 'unsupported_media_type');
    await runpod.until(() => runpod.posts.some(({ kind }) => kind === 'ping'));
    assert.ok(runpod.takes.every((query) => /job_in_progress=[01]/.test(query)));
    worker.kill('SIGTERM');
    const [code] = await once(worker, 'exit');
    assert.equal(code, 0);
  });

  test('a missing variable of RunPod stops the start of `penstock worker`', async () => {
    using folder = makeTaskFolder(TASKS);
    const bin = new URL('../../src/bin.ts', import.meta.url).pathname;
    const args = [bin, 'worker', '--backend', 'runpod', '--data-dir', join(folder.path, 'var')];
    const worker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    worker.stderr.on('data', (chunk) => (text += chunk));
    const [code] = await once(worker, 'close');
    assert.deepEqual([code, /RUNPOD_WEBHOOK_GET_JOB is not set/.test(text)], [1, true]);
  });

  test('handler(event) answers plain events by the result, and HTTP events by status and body', async () => {
    using folder = makeTaskFolder(TASKS);
    const dataDir = join(folder.path, 'var');
    const handler = createHandler({ tasks: [folder.path], 'data-dir': dataDir, workers: 1, 'log-level': 'silent' });
    try {
      assert.equal(await handler({ path: 'make_fries', fries_name: 'x' }), 'Your 1 fries x are ready');
      assert.deepEqual(await handler({ input: { path: 'count', to: 2 } }), [0, 1]);
      await assert.rejects(handler({ path: 'fails' }), /no luck/);
      const http = { rawPath: '/kitchen/make_fries', requestContext: {}, body: '{"fries_name":"y","amount":2}' };
      const answer = (await handler(http)) as { statusCode: number; body: string };
      assert.deepEqual([answer.statusCode, answer.body], [200, '"Your 2 fries y are ready"']);
      const wrong = (await handler({
        rawPath: '/kitchen/make_fries',
        requestContext: {},
        body: '{}',
      })) as typeof answer;
      assert.deepEqual([wrong.statusCode, JSON.parse(wrong.body).code], [422, 'invalid_input']);
      const broken = (await handler({ ...http, body: '{' })) as typeof answer;
      assert.deepEqual([broken.statusCode, JSON.parse(broken.body).code], [400, 'bad_request']);
    } finally {
      await handler.close();
    }
  });
});
