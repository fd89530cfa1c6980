import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, suite, test } from 'node:test';
import type { AppError } from '../core/errors.ts';
import { type MinRate, RateClock } from './rate-clock.ts';

const DEFAULT: MinRate = { bytesPerS: 1024, graceS: 20 };

/** A sender on a fake clock, and what it was told by when. */
function createSender(rate: MinRate = DEFAULT) {
  const start = Date.now();
  let verdict: { code: string; afterS: number } | undefined;
  const onTooSlow = (error: AppError) => {
    verdict = { code: error.code, afterS: Math.round((Date.now() - start) / 1000) };
  };
  const clock = new RateClock({ rate, onTooSlow, now: Date.now });
  return {
    clock,
    verdict: () => verdict,
    /** Waits for the network so long, then gets so much, again and again until told off. */
    send(bytes: number, everyS: number, times: number): void {
      for (let count = 0; count < times && !verdict; count++) {
        clock.waiting();
        for (let second = 0; second < everyS && !verdict; second++) mock.timers.tick(1000);
        clock.arrived(bytes);
      }
    },
  };
}

suite('minimum rate', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'Date'] }));
  afterEach(() => mock.timers.reset());

  test('400 KB at 2 KB/s pass, in small steps and in the bursts of curl --limit-rate', () => {
    for (const everyS of [1, 2, 4, 8]) {
      const sender = createSender();
      sender.send(2000 * everyS, everyS, 200 / everyS);
      sender.clock.stop();
      assert.equal(sender.verdict(), undefined, `every ${everyS} s`);
    }
  });

  test('what comes while more is waited for counts from then on, as of a source that gathers', () => {
    const sender = createSender();
    for (let round = 0; round < 25 && !sender.verdict(); round++) {
      sender.clock.waiting();
      // As if a block were full after eight seconds; the reader hears of it only then.
      for (let second = 0; second < 8; second++) {
        sender.clock.came(1024);
        mock.timers.tick(1000);
      }
      sender.clock.arrived(0);
    }
    sender.clock.stop();
    assert.equal(sender.verdict(), undefined);
    const stalled = createSender();
    stalled.clock.waiting();
    stalled.clock.came(5000);
    for (let second = 0; second < 30; second++) mock.timers.tick(1000);
    assert.equal(stalled.verdict()?.code, 'upload_too_slow');
  });

  test('one byte per 5 s is too slow as soon as the grace is over', () => {
    const sender = createSender();
    sender.send(1, 5, 100);
    assert.deepEqual(sender.verdict(), { code: 'upload_too_slow', afterS: 20 });
  });

  test('nothing at all is a stall', () => {
    const sender = createSender();
    sender.send(1, 100, 1);
    assert.deepEqual(sender.verdict(), { code: 'upload_stalled', afterS: 20 });
  });

  test('a fast start buys no more than one window of silence', () => {
    const sender = createSender();
    sender.send(100_000_000, 1, 30);
    sender.send(1, 100, 1);
    assert.deepEqual(sender.verdict(), { code: 'upload_stalled', afterS: 51 });
  });

  test('the rate is measured over the window, not from the start', () => {
    const sender = createSender();
    sender.send(10_000, 1, 60);
    sender.send(500, 1, 100);
    const verdict = sender.verdict();
    assert.equal(verdict?.code, 'upload_too_slow');
    assert.ok(verdict.afterS > 70 && verdict.afterS <= 81, String(verdict.afterS));
  });

  test('exactly the minimum passes and one byte per second less does not', () => {
    const enough = createSender();
    enough.send(1024, 1, 300);
    enough.clock.stop();
    assert.equal(enough.verdict(), undefined);
    const less = createSender();
    less.send(970, 1, 300);
    assert.equal(less.verdict()?.code, 'upload_too_slow');
  });

  test('a grace shorter than the window asks for the same rate over the shorter time', () => {
    const slow = createSender({ bytesPerS: 1024, graceS: 2 });
    slow.send(1, 5, 100);
    assert.deepEqual(slow.verdict(), { code: 'upload_too_slow', afterS: 2 });
    const fine = createSender({ bytesPerS: 1024, graceS: 2 });
    fine.send(2048, 1, 100);
    fine.clock.stop();
    assert.equal(fine.verdict(), undefined);
  });

  test('time in which we do not wait for the client is not counted', () => {
    const sender = createSender();
    for (let round = 0; round < 50; round++) {
      sender.send(2048, 1, 1);
      mock.timers.tick(60_000);
    }
    assert.equal(sender.verdict(), undefined);
    sender.send(1, 100, 1);
    assert.equal(sender.verdict()?.code, 'upload_too_slow');
  });

  test('0 switches it off', () => {
    const sender = createSender({ bytesPerS: 0, graceS: 0 });
    sender.send(0, 10_000, 1);
    assert.equal(sender.verdict(), undefined);
  });

  test('a stopped clock is silent', () => {
    const sender = createSender();
    sender.clock.waiting();
    sender.clock.stop();
    mock.timers.tick(100_000);
    assert.equal(sender.verdict(), undefined);
  });
});
