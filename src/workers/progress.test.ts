import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createProgress } from './progress.ts';

function collect(now: () => number) {
  const sent: [number, string | undefined][] = [];
  const progress = createProgress((fraction, message) => void sent.push([fraction, message]), now);
  return { sent, progress };
}

suite('progress', () => {
  test('the first goes out at once, then at most four a second, always with the latest', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    let clock = 0;
    const { sent, progress } = collect(() => clock);
    for (let step = 1; step <= 100; step++) {
      progress.report(step / 100, `page ${step}`);
      clock += 10;
      context.mock.timers.tick(10);
    }
    assert.deepEqual(sent, [
      [0.01, 'page 1'],
      [0.25, 'page 25'],
      [0.5, 'page 50'],
      [0.75, 'page 75'],
      [1, 'page 100'],
    ]);
  });

  test('the last one is sent at the end, and nothing after it', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { sent, progress } = collect(() => 0);
    progress.report(0.1);
    progress.report(0.9, 'nearly');
    progress.end();
    progress.report(1);
    context.mock.timers.tick(1000);
    assert.deepEqual(sent, [
      [0.1, undefined],
      [0.9, 'nearly'],
    ]);
  });

  test('it never falls, never passes 1, and what is no number does not count', () => {
    let clock = 0;
    const { sent, progress } = collect(() => {
      clock += 1000;
      return clock;
    });
    for (const fraction of [0.5, 0.2, Number.NaN, 7]) progress.report(fraction);
    assert.deepEqual(
      sent.map(([fraction]) => fraction),
      [0.5, 0.5, 0.5, 1],
    );
  });
});
