import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Exchange } from './exchange.ts';
import { readWish } from './prefer.ts';

const LIMITS = { deadlineS: 60, maxDeadlineS: 600 };

function ask(query: string, prefer: readonly string[] = []) {
  const answered: Record<string, string> = {};
  const exchange = {
    query: new URLSearchParams(query),
    headers: () => prefer,
    setHeader: (name: string, value: string) => {
      answered[name] = value;
    },
  };
  const { waitMs, onTimeout } = readWish(exchange as unknown as Exchange, LIMITS);
  return [waitMs, onTimeout, answered['preference-applied']];
}

suite('wishes about the answer', () => {
  for (const [query, prefer, expected] of [
    ['', [], [60_000, 'end', undefined]],
    ['deadline=2.5', [], [2500, 'end', undefined]],
    ['deadline=99999', [], [600_000, 'end', undefined]],
    ['deadline=2&on_timeout=continue', [], [2000, 'tell', undefined]],
    ['', ['respond-async'], [0, 'hand-over', 'respond-async']],
    ['', ['wait=5'], [5000, 'hand-over', 'wait=5']],
    ['', ['Wait="7"; why=not, respond-async'], [7000, 'hand-over', 'respond-async, wait=7']],
    ['', ['handling=lenient', 'respond-async, wait=3, wait=9'], [3000, 'hand-over', 'respond-async, wait=3']],
    ['', ['wait=soon'], [60_000, 'end', undefined]],
    ['', ['wait=100000'], [600_000, 'hand-over', 'wait=600']],
  ] as const) {
    test(`"${query}" with Prefer ${JSON.stringify(prefer)} is ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(ask(query, prefer), expected);
    });
  }

  for (const query of ['deadline=0', 'deadline=x', 'deadline=-1', 'on_timeout=maybe']) {
    test(`${query} is refused`, () => assert.throws(() => ask(query), { code: 'invalid_input' }));
  }
});
