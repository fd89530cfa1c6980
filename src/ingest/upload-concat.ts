import { AppError } from '../core/errors.ts';
import type { Growing, GrowingBlobs } from '../storage/storage.ts';
import type { UploadDigests } from './upload-digests.ts';
import type { UploadEntry } from './upload-record.ts';

export interface ConcatOptions {
  readonly id: string;
  readonly growing: GrowingBlobs;
  readonly digests: UploadDigests;
  readonly signal: AbortSignal;
}

/** Appends the bytes of partial uploads to the upload `id`, through two buffers of the storage's size; returns the durable size. */
export async function concatenate(parts: readonly UploadEntry[], options: ConcatOptions): Promise<number> {
  const target = await options.growing.open(options.id);
  try {
    let size = 0;
    for (const part of parts) size = await copyPart(part, target, { ...options, size });
    return await target.flush();
  } finally {
    await target.close();
  }
}

async function copyPart(
  part: UploadEntry,
  target: Growing,
  { id, growing, digests, signal, size }: ConcatOptions & { size: number },
): Promise<number> {
  const source = await growing.open(part.id, { isForAppend: false });
  try {
    let total = size;
    for await (const chunk of source.read({ start: 0, end: part.size - 1 })) {
      signal.throwIfAborted();
      await target.append([chunk]);
      total += chunk.byteLength;
      digests.advance(id, target, total);
    }
    return total;
  } finally {
    await source.close();
  }
}

/** Only partial uploads that are whole can be joined (tus concatenation). Error: `conflict`, `bad_request`. */
export function assertJoinable(parts: readonly UploadEntry[]): void {
  for (const { id, record, size } of parts) {
    if (record.concat !== 'partial') throw new AppError('bad_request', `upload ${id} is not a partial one`);
    if (record.length !== size)
      throw new AppError('conflict', `partial upload ${id} is not complete yet: send the rest of it first`);
  }
}
