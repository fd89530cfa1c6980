import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, suite, test } from 'node:test';
import { LINGER_MAX_BYTES, LINGER_MAX_MS, LINGER_SILENCE_MS, Linger } from './linger.ts';

suite('Linger', () => {
  let overs = 0;
  const open = () => new Linger(LINGER_SILENCE_MS, () => overs++);
  beforeEach(() => {
    overs = 0;
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  });
  afterEach(() => mock.timers.reset());

  test('is over when the client fell silent', () => {
    open();
    mock.timers.tick(LINGER_SILENCE_MS - 1);
    assert.equal(overs, 0);
    mock.timers.tick(1);
    assert.equal(overs, 1);
  });

  test('goes on while the client sends, up to the limit of time', () => {
    const linger = open();
    for (let ms = 0; ms < LINGER_MAX_MS - 1_000; ms += 1_000) {
      mock.timers.tick(1_000);
      linger.count(1);
    }
    assert.equal(overs, 0);
    mock.timers.tick(1_000);
    assert.equal(overs, 1);
  });

  test('is over at one byte above the limit of bytes', () => {
    const linger = open();
    linger.count(LINGER_MAX_BYTES);
    assert.equal(overs, 0);
    linger.count(1);
    assert.equal(overs, 1);
  });

  test('is over once, and not at all when stopped', () => {
    const first = open();
    first.finish();
    first.finish();
    assert.equal(overs, 1);
    const second = open();
    second.stop();
    second.count(LINGER_MAX_BYTES + 1);
    mock.timers.tick(LINGER_MAX_MS);
    assert.equal(overs, 1);
  });
});
