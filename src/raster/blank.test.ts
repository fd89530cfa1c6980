import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isBlank } from './blank.ts';

function filled(value: number): Uint8Array {
  return new Uint8Array(40 * 4).fill(value);
}

suite('blank', () => {
  for (const [title, data, expected] of [
    ['all white', filled(255), true],
    ['all transparent', filled(0), true],
    ['white but for the last pixel', filled(255).fill(254, 156), false],
    ['transparent but for the last pixel', filled(0).fill(1, 156), false],
    ['all of one gray', filled(128), false],
    ['transparent first, then white', filled(255).fill(0, 0, 4), false],
  ] as const) {
    test(`${title}: ${expected ? '' : 'not '}blank`, () => {
      assert.equal(isBlank({ width: 10, height: 4, data }), expected);
    });
  }
});
