import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encodeResult, MAX_RESULT_BYTES } from './result-json.ts';

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

suite('result as JSON', () => {
  test('plain values pass as they are, undefined as null', () => {
    const value = { pages: [{ page: 1, url: 'pages/1' }], at: new Date(0), none: undefined };
    assert.equal(encodeResult(value, 'draw'), JSON.stringify(value));
    assert.equal(encodeResult(undefined, 'draw'), 'null');
  });

  const refused: [what: string, value: unknown, says: RegExp][] = [
    ['a function', { image: () => 1 }, /has a function at 'image'/],
    ['a function as the whole', () => 1, /has a function at its top/],
    ['a bigint', [1n], /has a bigint at '0'/],
    ['bytes', { image: new Uint8Array(3) }, /has binary data at 'image'/],
    ['a buffer', { image: Buffer.from('abc') }, /has binary data at 'image'/],
    ['a map', { by: new Map() }, /has a Map at 'by'/],
    ['a promise that was not awaited', { page: Promise.resolve(1) }, /has a Promise at 'page'/],
    ['a cycle', cycle, /circular structure/],
  ];
  for (const [what, value, says] of refused) {
    test(`${what} is refused, naming the task`, () => {
      assert.throws(() => encodeResult(value, 'draw'), { code: 'internal', message: /^task draw failed: its result / });
      assert.throws(() => encodeResult(value, 'draw'), { message: says });
    });
  }

  test('exactly as many bytes as allowed pass, one more does not', () => {
    const text = 'é'.repeat((MAX_RESULT_BYTES - 2) / 2);
    assert.equal(Buffer.byteLength(encodeResult(text, 'draw')), MAX_RESULT_BYTES);
    assert.throws(() => encodeResult(`${text}x`, 'draw'), { code: 'internal', message: /context\.scratchDir/ });
  });
});
