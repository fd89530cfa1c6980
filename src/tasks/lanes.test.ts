import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Run } from '../queue/queue.ts';
import { inLanes } from './lanes.ts';

/** A run whose end the test decides. */
function makeRun(signal = new AbortController().signal) {
  const end = Promise.withResolvers<void>();
  return { run: { signal } as Run, end: end.resolve, done: end.promise };
}

suite('lanes', () => {
  test('each job enters the least busy lane and stays there, though another lane may be free earlier', async () => {
    const started: number[] = [];
    const runs = Array.from({ length: 4 }, () => makeRun());
    const indexOf = (run: Run) => runs.findIndex((one) => one.run === run);
    const handler = inLanes(2, async (run) => {
      started.push(indexOf(run));
      await runs[indexOf(run)]?.done;
    });
    const all = runs.map(({ run }) => handler(run));
    await new Promise(setImmediate);
    assert.deepEqual(started, [0, 1]);
    runs[1]?.end();
    await new Promise(setImmediate);
    assert.deepEqual(started, [0, 1, 3]);
    runs[3]?.end();
    await new Promise(setImmediate);
    assert.deepEqual(started, [0, 1, 3]);
    runs[0]?.end();
    await new Promise(setImmediate);
    assert.deepEqual(started, [0, 1, 3, 2]);
    runs[2]?.end();
    await Promise.all(all);
  });

  test('a job that is cancelled while it waits leaves its lane, and one that fails does not stop it', async () => {
    const stop = new AbortController();
    const [first, second] = [makeRun(), makeRun(stop.signal)];
    const third = makeRun();
    const handler = inLanes(1, async (run) => {
      if (run === first.run) await first.done.then(() => assert.fail('broken'));
      return run === third.run;
    });
    const one = handler(first.run);
    const two = handler(second.run);
    const three = handler(third.run);
    stop.abort(new Error('cancelled'));
    await assert.rejects(two, /cancelled/);
    first.end();
    await assert.rejects(one, /broken/);
    assert.equal(await three, true);
  });
});
