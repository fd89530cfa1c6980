import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readDocument, readDocumentInto } from './document-file.ts';

const SAMPLE = new URL('../../data/sample-1-page.pdf', import.meta.url).pathname;
const MAX_BYTES = 512 * 1024 * 1024;

async function withSparseFile(bytes: number, use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-document-'));
  try {
    const path = join(folder, 'large.pdf');
    const file = openSync(path, 'w');
    ftruncateSync(file, bytes);
    closeSync(file);
    await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

suite('document-file', () => {
  test('a file lies where it was asked for, byte for byte', async () => {
    const memory = new Uint8Array(1_000_000);
    let size = 0;
    readDocumentInto(SAMPLE, (bytes) => {
      size = bytes;
      return memory.subarray(1000, 1000 + bytes);
    });
    const expected = new Uint8Array(readFileSync(SAMPLE));
    assert.deepEqual(memory.slice(1000, 1000 + size), expected);
    assert.deepEqual(await readDocument(SAMPLE), expected);
    assert.equal(memory[999], 0);
    assert.equal(memory[1000 + size], 0);
  });

  test('a file above the limit is refused before any memory is taken for it', async () => {
    await withSparseFile(MAX_BYTES + 1, async (path) => {
      const place = () => assert.fail('memory was asked for');
      assert.throws(() => readDocumentInto(path, place), { code: 'too_large' });
      await assert.rejects(readDocument(path), { code: 'too_large' });
    });
  });

  test('a file that is not there is the system’s error, not a damaged document', () => {
    assert.throws(() => readDocumentInto('/nowhere', () => new Uint8Array(0)), { code: 'ENOENT' });
  });
});
