import { AppError } from '../core/errors.ts';
import type { Pdfium, PdfiumCalls, Pointer } from './pdfium-calls.ts';

/** Memory of the library, at least one byte, to be freed by the caller. Error: `too_large`. */
export function allocate(calls: Pick<PdfiumCalls, 'malloc'>, bytes: number): Pointer {
  const pointer = calls.malloc(Math.max(1, bytes));
  if (pointer === 0) throw new AppError('too_large', 'there is no memory for the document');
  return pointer;
}

/** Of a pointer that is written: no address of a process takes more than 48 bits. */
const MAX_POINTER_BYTES = 6;

/** A structure of the C interface: the first word holds `version`, the others the pointers given, or 0. */
export function allocateStruct(
  { calls, view, wordBytes }: Pick<Pdfium, 'calls' | 'view' | 'wordBytes'>,
  version: number,
  words: number,
  pointers: Readonly<Record<number, Pointer>> = {},
): Pointer {
  const struct = allocate(calls, words * wordBytes);
  const bytes = view(struct, words * wordBytes).fill(0);
  bytes.writeUInt32LE(version, 0);
  for (const [word, pointer] of Object.entries(pointers)) {
    bytes.writeUIntLE(pointer, Number(word) * wordBytes, Math.min(wordBytes, MAX_POINTER_BYTES));
  }
  return struct;
}
