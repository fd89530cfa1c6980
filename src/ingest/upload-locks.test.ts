import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createUploadLocks, STALLED_AFTER_MS } from './upload-locks.ts';

function setUp(waitMs?: number) {
  let now = 0;
  const locks = createUploadLocks({ now: () => now, ...(waitMs === undefined ? {} : { waitMs }) });
  return { locks, pass: (ms: number) => (now += ms) };
}

suite('upload locks', () => {
  test('a second request is refused while the first is well, and let in after it', async () => {
    const { locks } = setUp();
    const first = await locks.acquire('a', 'refuse');
    await assert.rejects(locks.acquire('a', 'refuse'), { code: 'locked' });
    (await locks.acquire('b', 'refuse')).release();
    first.release();
    first.release();
    (await locks.acquire('a', 'refuse')).release();
    assert.equal(locks.isHeld('a'), false);
  });

  test('a holder that waits for its client is well until it has waited too long', async () => {
    const { locks, pass } = setUp();
    const first = await locks.acquire('a', 'refuse');
    first.waiting();
    pass(STALLED_AFTER_MS - 1);
    assert.equal(locks.isWell('a'), true);
    await assert.rejects(locks.acquire('a', 'refuse'), { code: 'locked' });
    pass(1);
    assert.equal(locks.isWell('a'), false);
    const second = locks.acquire('a', 'refuse');
    assert.equal(first.signal.aborted, true);
    first.release();
    (await second).release();
  });

  test('a holder that waits for the disk is well however long it takes', async () => {
    const { locks, pass } = setUp();
    const first = await locks.acquire('a', 'refuse');
    first.waiting();
    first.arrived();
    pass(10 * STALLED_AFTER_MS);
    assert.equal(locks.isWell('a'), true);
    first.release();
  });

  test('take_over stops a holder that is well and waits for its end', async () => {
    const { locks } = setUp();
    const first = await locks.acquire('a', 'refuse');
    const second = locks.acquire('a', 'take_over');
    assert.equal(first.signal.reason.code, 'locked');
    first.release();
    (await second).release();
  });

  test('a holder that settles is waited for and not stopped', async () => {
    const { locks } = setUp();
    const first = await locks.acquire('a', 'refuse');
    first.settle();
    const waiting = [locks.acquire('a', 'take_over'), locks.acquire('a', 'refuse')];
    assert.equal(first.signal.aborted, false);
    first.release();
    const next = await Promise.race(waiting);
    next.release();
    for (const outcome of await Promise.allSettled(waiting))
      if (outcome.status === 'fulfilled') outcome.value.release();
    assert.equal(locks.isHeld('a'), false);
  });

  test('one that never ends is not waited for for ever', async () => {
    const { locks } = setUp(5);
    const first = await locks.acquire('a', 'refuse');
    // The time limit alone keeps no process alive.
    const alive = setInterval(() => undefined, 1000);
    await assert.rejects(locks.acquire('a', 'take_over'), { code: 'locked' });
    clearInterval(alive);
    first.release();
  });
});
