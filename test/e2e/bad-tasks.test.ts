import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { descendants } from './server.ts';
import { call, makeTaskFolder, post, serveTasks } from './task-folder.ts';

const BAD = `import { defineTask, z } from 'penstock';
const FAULTS = {
  throws: () => { throw new Error('boom'); },
  throwsText: () => { throw 'boom'; },
  throwsLater: () => { setTimeout(() => { throw new Error('boom later'); }); return new Promise(() => undefined); },
  returnsFunction: () => ({ deep: { image: () => 1 } }),
  returnsCycle: () => { const cycle = {}; cycle.self = cycle; return cycle; },
  returnsBinary: () => new Uint8Array(8),
  returnsMuch: () => 'x'.repeat(9 * 2 ** 20),
  leaksBuffers: () => { const held = []; for (let i = 0; i < 32; i++) held.push(Buffer.alloc(64 * 2 ** 20, 1)); return held.length; },
  leaksObjects: () => { const held = []; for (let i = 0; i < 3e5; i++) held.push(new Array(1000).fill(i + 0.5)); return held.length; },
  spins: () => { for (;;) Math.sqrt(2); },
  stuckRegex: () => /^(a+)+$/.test('a'.repeat(60) + '!'),
  waits: () => new Promise(() => undefined),
  exits: () => process.exit(3),
  segfaults: () => { process.kill(process.pid, 'SIGSEGV'); return new Promise(() => undefined); },
  aborts: () => process.abort(),
  returnsDeep: () => JSON.parse('['.repeat(5000) + ']'.repeat(5000)),
};
export default defineTask({
  name: 'bad', input: z.object({ fault: z.string() }),
  run: ({ fault }) => FAULTS[fault as keyof typeof FAULTS](),
});`.replace('cycle = {}', 'cycle: Record<string, unknown> = {}');

const GOOD = `export default defineTask({ name: 'good', run: async () => {
  await new Promise((resolve) => setTimeout(resolve, 700)); return 'good'; } });`;

/** Makes its folder when its job is over, within the time that a task has to leave; `into/late` says that it did. */
const late = (into: string) => `import { writeFileSync } from 'node:fs';
import { defineTask } from 'penstock';
export default defineTask({ name: 'late', async run(_input, context) {
  await new Promise((resolve) => context.signal.addEventListener('abort', () => setTimeout(resolve, 30)));
  writeFileSync(context.scratchDir + '/left', 'behind');
  writeFileSync('${into}/late', '');
} });`;

/** Its child would compute for ever. */
const KIDS = `import { spawn } from 'node:child_process';
import { defineTask, z } from 'penstock';
export default defineTask({ name: 'kids', input: z.object({ stays: z.boolean() }), async run({ stays }, context) {
  spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
  if (stays) for (;;) await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
} });`;

const ANY = `import { defineTask, z } from 'penstock';
export default defineTask({ name: 'any', input: z.object({ v: z.any() }), run: () => 'taken' });`;

const args = ['--worker-memory', '1GiB', '--deadline', '20'];

suite('a task that misbehaves costs its own job and nothing else', () => {
  const faults: readonly [string, string, number, RegExp][] = [
    ['throws', 'throws', 500, /task bad failed: boom \(bad\.ts:3\)/],
    ['throws what is no Error', 'throwsText', 500, /it threw boom, which is not an Error/],
    ['throws in a callback', 'throwsLater', 500, /boom later \(bad\.ts:5\)/],
    ['returns something with a function in it', 'returnsFunction', 500, /its result has a function at 'image'/],
    ['returns a cycle', 'returnsCycle', 500, /its result is not JSON: Converting circular/],
    ['returns bytes', 'returnsBinary', 500, /its result has binary data at its top/],
    ['returns what is nested 5,000 levels deep', 'returnsDeep', 500, /its result is nested deeper than 256 levels/],
    ['returns too much', 'returnsMuch', 500, /its result is 9437186 bytes of JSON/],
    ['leaks 2 GB of buffers', 'leaksBuffers', 500, /task bad/],
    ['leaks 2 GB of objects', 'leaksObjects&deadline=120', 500, /died twice on this job/],
    ['spins for ever', 'spins&deadline=1', 504, /no result within 1 s/],
    ['hangs in a regular expression', 'stuckRegex&deadline=1', 504, /no result within 1 s/],
    ['never returns', 'waits&deadline=1', 504, /no result within 1 s/],
    ['calls process.exit', 'exits', 500, /it called process\.exit\(3\) \(bad\.ts:\d+\)/],
    ['crashes by a signal', 'segfaults', 500, /died twice on this job \(killed by SIGSEGV\)/],
    ['aborts its process', 'aborts', 500, /process\.abort\(\) is not supported in workers \(bad\.ts:\d+\)/],
  ];
  for (const [what, query, status, detail] of faults) {
    test(`one that ${what}`, async () => {
      await using server = await serveTasks({ bad: BAD, good: GOOD }, args);
      const good = call(`${server.url}/good`, { method: 'POST' });
      const bad = call(`${server.url}/bad?fault=${query}`, { method: 'POST' });
      assert.equal((await good).json, 'good');
      const answer = await bad;
      assert.deepEqual([answer.status, answer.json.title !== undefined], [status, true]);
      assert.match(answer.json.detail, detail);
      const next = await Promise.all([1, 2].map(() => call(`${server.url}/good`, { method: 'POST' })));
      assert.deepEqual(
        next.map(({ json }) => json),
        ['good', 'good'],
      );
      assert.equal((await call(`${server.url}/healthz`)).status, 200);
      assert.equal(server.child.exitCode, null);
    });
  }

  test('the line of a crash is in the log, too, and in the job’s error', async () => {
    await using server = await serveTasks({ bad: BAD });
    const { json: job } = await post(`${server.url}/bad`, { fault: 'throws' }, { prefer: 'respond-async' });
    const { json: ended } = await call(`${server.url}/v1/jobs/${job.id}?wait=10`);
    assert.match(ended.error.detail, /boom \(bad\.ts:3\)/);
    assert.match(server.log(), /bad\.ts:3:\d+/);
  });

  test('one that spins is off the CPU within a second of its deadline, and its worker works again', async () => {
    await using server = await serveTasks({ bad: BAD, good: GOOD }, ['--workers', '1']);
    const startedAt = performance.now();
    assert.equal((await call(`${server.url}/bad?fault=spins&deadline=1`, { method: 'POST' })).status, 504);
    let state = await call(`${server.url}/v1/server`);
    while (state.json.workers.busy > 0) state = await call(`${server.url}/v1/server`);
    assert.ok(performance.now() - startedAt < 2500);
    assert.equal((await call(`${server.url}/good`, { method: 'POST' })).json, 'good');
  });

  test('one that makes its folder after its job has ended leaves none', async () => {
    using marks = makeTaskFolder({});
    await using server = await serveTasks({ late: late(marks.path) }, ['--workers', '1']);
    assert.equal((await call(`${server.url}/late?deadline=0.5`, { method: 'POST' })).status, 504);
    const isGone = async () => {
      const { json } = await call(`${server.url}/v1/server`);
      return existsSync(join(marks.path, 'late')) && json.workers.busy === 0;
    };
    const end = performance.now() + 10_000;
    while (!(await isGone())) assert.ok(performance.now() < end, 'it never came to its folder');
    while (readdirSync(join(server.dataDir, 'work')).length > 0)
      assert.ok((await isGone()) && performance.now() < end, 'its folder is still there');
  });

  for (const way of ['by its signal', 'by force']) {
    test(`what a task has started is gone with it when its time is up, the task ended ${way}`, async () => {
      await using server = await serveTasks({ kids: KIDS, good: GOOD }, args);
      const { pid = 0 } = server.child;
      const burning = () => descendants(pid).filter((child) => commandOf(child).includes('while :'));
      const answer = call(`${server.url}/kids?deadline=1&stays=${way === 'by force'}`, { method: 'POST' });
      do await fetch(`${server.url}/healthz`);
      while (burning().length === 0);
      const [child = 0] = burning();
      assert.equal((await answer).status, 504);
      const end = performance.now() + 1500;
      while (commandOf(child).includes('while :') && performance.now() < end) await fetch(`${server.url}/healthz`);
      assert.equal(commandOf(child), '');
      assert.equal((await call(`${server.url}/good`, { method: 'POST' })).json, 'good');
    });
  }

  test('an input that is nested too deeply is refused, and no worker sees it', async () => {
    await using server = await serveTasks({ any: ANY }, args);
    for (const [depth, status] of [
      [200, 200],
      [300, 400],
      [100_000, 400],
    ] as const) {
      const body = `{"v":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      const headers = { 'content-type': 'application/json' };
      const answer = await call(`${server.url}/any`, { method: 'POST', headers, body });
      assert.equal(answer.status, status, `${depth}: ${JSON.stringify(answer.json).slice(0, 300)}`);
    }
    const { workers } = (await call(`${server.url}/v1/server`, {})).json;
    assert.equal(workers.restarts, 0);
  });
});

/** Empty once the process is gone. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code))) return '';
    throw error;
  }
}
