import { type FileHandle, open } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import type { ByteRange } from './storage.ts';

/** Two of these are alive per reader: one with the consumer, one being filled meanwhile. */
const READ_BYTES = 256 * 1024;

/** Streams a part of a file; the descriptor is open from the first chunk that is asked for until the iteration ends. */
export async function* readRange(path: string, range: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
  // A blob without bytes has no file.
  if (range.end < range.start) return;
  const handle = await openExisting(path);
  let position = range.start;
  let ahead = readAhead(handle, range, position);
  try {
    while (position <= range.end) {
      const [result] = await ahead;
      if (result.status === 'rejected') throw result.reason;
      if (result.value.byteLength === 0) throw new Error(`${path} is shorter than its sidecar says`);
      position += result.value.byteLength;
      ahead = readAhead(handle, range, position);
      yield result.value;
    }
  } finally {
    await ahead;
    await handle.close();
  }
}

/** Never rejects: the consumer may leave before it looks at the result. */
function readAhead(
  handle: FileHandle,
  { end }: ByteRange,
  position: number,
): Promise<[PromiseSettledResult<Uint8Array>]> {
  return Promise.allSettled([readChunk(handle, position, Math.min(READ_BYTES, end - position + 1))]);
}

async function readChunk(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(length);
  if (length === 0) return buffer;
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function openExisting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new AppError('not_found', 'it was deleted a moment ago', { cause: error });
  }
}
