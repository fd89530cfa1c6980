import { type FileHandle, open } from 'node:fs/promises';
import { type Buffers, createBuffers } from '../core/buffers.ts';
import { AppError, systemCode } from '../core/errors.ts';
import type { BlobBytes, ByteRange } from './storage.ts';

/** Two of these are alive per reader: one with the consumer, one being filled meanwhile. */
const READ_BYTES = 256 * 1024;

/** Streams a part of a file; the descriptor is open from the first chunk that is asked for until the iteration ends. */
export function readRange(path: string, range: ByteRange): BlobBytes {
  // A blob without bytes has no file.
  const size = Math.max(0, range.end - range.start + 1);
  const buffers = createBuffers(Math.min(READ_BYTES, size));
  return {
    [Symbol.asyncIterator]: () => (size > 0 ? readChunks(path, range, buffers) : nothing()),
    recycle: (chunk) => void buffers.giveBack(chunk),
  };
}

async function* readChunks(path: string, range: ByteRange, buffers: Buffers): AsyncGenerator<Uint8Array, void, void> {
  const handle = await openExisting(path);
  let position = range.start;
  const readNext = () => readAhead(handle, { position, end: range.end, buffers });
  let ahead = readNext();
  try {
    while (position <= range.end) {
      const [result] = await ahead;
      if (result.status === 'rejected') throw result.reason;
      if (result.value.byteLength === 0) throw new Error(`${path} is shorter than its sidecar says`);
      position += result.value.byteLength;
      ahead = readNext();
      yield result.value;
    }
  } finally {
    await ahead;
    await handle.close();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

interface Place {
  readonly position: number;
  readonly end: number;
  readonly buffers: Buffers;
}

/** Never rejects: the consumer may leave before it looks at the result. */
function readAhead(handle: FileHandle, place: Place): Promise<[PromiseSettledResult<Uint8Array>]> {
  return Promise.allSettled([readChunk(handle, place)]);
}

async function readChunk(handle: FileHandle, { position, end, buffers }: Place): Promise<Uint8Array> {
  if (position > end) return new Uint8Array();
  const buffer = buffers.take();
  const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.byteLength, end - position + 1), position);
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
