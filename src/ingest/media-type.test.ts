import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HEAD_BYTES, Head, mediaTypeOf } from './media-type.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4//8/AwAI/AL+p5qgoAAAAABJRU5ErkJggg==',
  'base64',
);

suite('media type', () => {
  const table: readonly [what: string, head: Uint8Array, declared: string | undefined, told: string][] = [
    ['a PDF, whatever its sender says', Buffer.from('%PDF-1.7\n%\xe2\xe3'), 'text/plain', 'application/pdf'],
    ['a PNG', PNG, undefined, 'image/png'],
    ['text', Buffer.from('Grüße\tund\r\nmehr\n'), undefined, 'text/plain'],
    ['text that claims to be a page', Buffer.from('<p>hello'), 'text/html', 'text/plain'],
    ['text that claims to be a PDF', Buffer.from('hello'), 'application/pdf', 'text/plain'],
    ['JSON that says so', Buffer.from('{"a":1}'), 'application/json; charset=utf-8', 'application/json'],
    ['bytes', Buffer.from([1, 2, 3, 250]), undefined, 'application/octet-stream'],
    ['Latin-1', Buffer.from('Gr\xfc\xdfe', 'latin1'), undefined, 'application/octet-stream'],
    ['text with a NUL', Buffer.from('a\0b'), 'text/csv', 'application/octet-stream'],
    ['nothing', Buffer.alloc(0), 'text/plain', 'application/octet-stream'],
  ];
  for (const [what, head, declared, told] of table) {
    test(`${what} is ${told}`, async () => {
      assert.equal(await mediaTypeOf(head, declared), told);
    });
  }

  test('a character cut at the end of the head is still text', async () => {
    const head = new Head();
    head.add([Buffer.from('x'.repeat(HEAD_BYTES - 1))]);
    head.add([Buffer.from('ü and more')]);
    assert.equal(head.bytes.byteLength, HEAD_BYTES);
    assert.equal(await mediaTypeOf(head.bytes, undefined), 'text/plain');
  });

  test('the head is a copy, of the first bytes only', () => {
    const head = new Head();
    const chunk = Buffer.from('ab');
    head.add([chunk, Buffer.from('c')]);
    chunk.fill('x');
    head.add([Buffer.alloc(10_000, 'd')]);
    assert.equal(Buffer.from(head.bytes).subarray(0, 4).toString(), 'abcd');
    assert.equal(head.bytes.buffer.byteLength, HEAD_BYTES);
  });
});
