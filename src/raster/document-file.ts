import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';

/** Larger files are `too_large`: engines hold the whole document in memory. */
const MAX_DOCUMENT_BYTES = 512 * 1024 * 1024;

/** The bytes of a document, in memory of their own. Error: `too_large`. */
export async function readDocument(path: string): Promise<Uint8Array> {
  assertSize((await stat(path)).size);
  const bytes = await readFile(path);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads a document without a copy on the way into what `place` gives for its size. Error: `too_large`. */
export function readDocumentInto(path: string, place: (bytes: number) => Uint8Array): void {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    assertSize(size);
    const bytes = place(size);
    for (let at = 0; at < size; ) {
      const count = readSync(file, bytes, at, size - at, at);
      if (count === 0) throw new AppError('invalid_pdf', 'the file has become shorter while it was read');
      at += count;
    }
  } finally {
    closeSync(file);
  }
}

function assertSize(size: number): void {
  if (size <= MAX_DOCUMENT_BYTES) return;
  throw new AppError('too_large', `the document has ${size} bytes, what can be drawn is at most ${MAX_DOCUMENT_BYTES}`);
}
