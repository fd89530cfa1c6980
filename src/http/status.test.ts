import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODES } from '../core/errors.ts';
import { isBodiless, reasonPhrase, statusOf } from './status.ts';

for (const code of ERROR_CODES) {
  test(`${code} has an error status with a phrase`, () => {
    const status = statusOf(code);
    assert.ok(status >= 400 && status < 600);
    assert.notEqual(reasonPhrase(status), 'Unknown');
  });
}

test('1xx, 204 and 304 have no body', () => {
  assert.deepEqual([100, 200, 204, 205, 304, 404].map(isBodiless), [true, false, true, false, true, false]);
});
