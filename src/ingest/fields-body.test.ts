import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createByteSource, sourceOf } from './byte-source.ts';
import { readFields } from './fields-body.ts';

const never = new AbortController().signal;
const read = (text: string) => readFields(sourceOf(text), never);

suite('fields of a body', () => {
  test('an object is JSON, whatever type it was sent under; a=1&b=2 is a form; nothing is no member', async () => {
    assert.deepEqual(await read(' {"a": 1, "file": "x"}'), { members: { a: 1, file: 'x' }, from: 'json' });
    assert.deepEqual(await read('a=1&b=x+y%21'), { members: { a: '1', b: 'x y!' }, from: 'text' });
    assert.deepEqual(await read('\n'), { members: {}, from: 'text' });
  });

  for (const [what, body, message] of [
    ['a list', '[1]', /must be an object/],
    ['half an object', '{"a":', /not JSON/],
    ['some text', 'hello', /neither a JSON object nor like a=1&b=2/],
  ] as const) {
    test(`${what} is bad_request`, () => assert.rejects(read(body), { code: 'bad_request', message }));
  }

  test('more than a mebibyte is too_large', async () => {
    let left = 20;
    const endless = createByteSource(async () => (left-- > 0 ? Buffer.alloc(100_000, 'a') : undefined));
    await assert.rejects(readFields(endless, never), { code: 'too_large' });
    assert.ok(left > 5, 'the rest is not read');
  });
});
