import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { PAGE_RANGES, parsePageRanges } from './page-ranges.ts';

for (const [text, pages] of [
  [undefined, [1, 2, 3, 4, 5, 6, 7]],
  ['1', [1]],
  ['1-3,7', [1, 2, 3, 7]],
  ['7,1', [7, 1]],
  ['2-3,3-4', [2, 3, 4]],
  ['6-', [6, 7]],
] as const) {
  test(`pages=${text} of seven pages are ${pages}`, () => assert.deepEqual(parsePageRanges(text, 7), [...pages]));
}

for (const text of ['0', '8', '3-2', '5-9', '1,99']) {
  test(`pages=${text} of seven pages is refused`, () => {
    assert.throws(
      () => parsePageRanges(text, 7),
      (error: unknown) => error instanceof AppError && error.code === 'invalid_input',
    );
  });
}

for (const text of ['', 'a', '1-2-3', '1,,2', '-1', '1;2', ' 1', '1,']) {
  test(`pages=${JSON.stringify(text)} is not a page choice`, () => assert.ok(!PAGE_RANGES.test(text)));
}
