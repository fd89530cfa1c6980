import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ServiceMeter } from './service-meter.ts';

suite('the cost of jobs', () => {
  function setUp(concurrency = 2) {
    let now = 0;
    const meter = new ServiceMeter(concurrency, () => now);
    let jobs = 0;
    const run = (ms: number, isWhole = true, spentMs?: number) => {
      const id = `${jobs++}`;
      meter.started(id);
      now += ms;
      if (spentMs !== undefined) meter.spent(id, spentMs);
      meter.ended(id, isWhole);
    };
    return { meter, run, pass: (ms: number) => (now += ms) };
  }

  test('jobs that were stopped early do not make jobs look short', () => {
    const { meter, run } = setUp();
    for (let job = 0; job < 8; job++) run(300);
    for (let job = 0; job < 50; job++) run(5, false);
    assert.equal(meter.shortMs, 300);
  });

  test('jobs that are stopped again and again after longer than the rest took do tell', () => {
    const { meter, run } = setUp();
    for (let job = 0; job < 5; job++) run(100);
    for (let job = 0; job < 16; job++) run(2000, false);
    assert.equal(meter.shortMs, 2000);
  });

  test('a short job is what a quarter of the newest are below', () => {
    const { meter, run } = setUp();
    for (let job = 0; job < 32; job++) run(job % 2 === 0 ? 10 : 1000);
    assert.equal(meter.shortMs, 10);
    assert.equal(meter.isTrusted, true);
  });

  test('what a runner says that its workers took counts instead of the time that passed', () => {
    const { meter, run } = setUp();
    for (let job = 0; job < 5; job++) run(1000, true, 40);
    assert.equal(meter.shortMs, 40);
    assert.equal(meter.costMs, 1000);
  });

  test('jobs that share the workers are served a share of the time', () => {
    const { meter, pass } = setUp(2);
    for (const id of ['a', 'b', 'c', 'd']) meter.started(id);
    pass(1000);
    meter.ended('a', true);
    assert.equal(meter.servedMs('b'), 500);
    pass(600);
    assert.equal(meter.servedMs('b'), 900);
  });
});
