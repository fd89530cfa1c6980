import { readFile, stat } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';

/** Larger files are `too_large`: engines hold the whole document in memory. */
const MAX_DOCUMENT_BYTES = 512 * 1024 * 1024;

/** The bytes of a document, in memory of their own. Error: `too_large`. */
export async function readDocument(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MAX_DOCUMENT_BYTES) {
    throw new AppError(
      'too_large',
      `the document has ${size} bytes, what can be drawn is at most ${MAX_DOCUMENT_BYTES}`,
    );
  }
  const bytes = await readFile(path);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
