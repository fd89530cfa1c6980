import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileOfMember } from './member-file.ts';

suite('members that are files', () => {
  for (const [value, kind] of [
    ['01M7YQAXAA26Z009JBE41MEY53', 'stored'],
    ['https://example.com/a.png', 'url'],
    ['HTTP://example.com', 'url'],
    ['data:image/png;base64,aaaa', 'base64'],
    ['aGVsbG8=', 'base64'],
    [{ file: 'x' }, 'stored'],
    [{ url: 'x', name: 'n' }, 'url'],
    [{ base64: 'x' }, 'base64'],
  ] as const) {
    test(`${JSON.stringify(value)} is ${kind}`, () => assert.equal(fileOfMember('f', value).kind, kind));
  }

  for (const value of [null, 3, {}, { url: 3 }, []])
    test(`${JSON.stringify(value)} is no file`, () =>
      assert.throws(() => fileOfMember('f', value), /f: expected a file/));
});
