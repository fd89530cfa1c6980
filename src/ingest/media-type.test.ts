import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HEAD_BYTES, Head } from './media-type.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4//8/AwAI/AL+p5qgoAAAAABJRU5ErkJggg==',
  'base64',
);

async function typeOf(chunks: readonly Uint8Array[], declared?: string): Promise<string> {
  const head = new Head();
  for (const chunk of chunks) {
    head.add([chunk]);
    // The sender's memory, which is used again.
    chunk.fill(0);
  }
  return head.mediaType(declared);
}

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
      assert.equal(await typeOf([head], declared), told);
    });
  }

  test('a character cut at the end of the head is still text', async () => {
    assert.equal(await typeOf([Buffer.from('x'.repeat(HEAD_BYTES - 1)), Buffer.from('ü and more')]), 'text/plain');
  });

  test('the head is a copy of the first bytes, whatever the chunks, and nothing after them counts', async () => {
    assert.equal(
      await typeOf([Buffer.from('%PD'), Buffer.from('F-1.7\n'), Buffer.alloc(10_000, 1)]),
      'application/pdf',
    );
    assert.equal(await typeOf([Buffer.from('x'.repeat(HEAD_BYTES)), Buffer.from([0, 1, 2])]), 'text/plain');
    assert.equal(await typeOf([Buffer.from('x'.repeat(HEAD_BYTES - 1)), Buffer.from([0])]), 'application/octet-stream');
  });
});
