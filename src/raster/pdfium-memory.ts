import { AppError } from '../core/errors.ts';
import type { PdfiumCalls, Pointer } from './pdfium-calls.ts';

/** Memory of the library, at least one byte, to be freed by the caller. Error: `too_large`. */
export function allocate(calls: Pick<PdfiumCalls, 'malloc'>, bytes: number): Pointer {
  const pointer = calls.malloc(Math.max(1, bytes));
  if (pointer === 0) throw new AppError('too_large', 'there is no memory for the document');
  return pointer;
}
