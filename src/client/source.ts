import { PenstockError } from './error.ts';

/** What can be sent as a file: in Node also a path. Text that is no path goes as a `Blob`. */
export type FileSource =
  | string
  | Blob
  | ArrayBuffer
  | ArrayBufferView<ArrayBufferLike>
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

export type Bytes = Blob | Uint8Array<ArrayBuffer>;

/** Bytes to be sent, in pieces, any of which may be asked for again as long as no later one was. */
export interface Source {
  readonly name: string | undefined;
  /** undefined: known at the end. */
  readonly totalBytes: number | undefined;
  /** At most `maxBytes` from `offset`; `isLast`: nothing comes after. Holds no more than that in memory. */
  read(offset: number, maxBytes: number): Promise<{ readonly bytes: Bytes; readonly isLast: boolean }>;
  /** Gives back what the source holds. */
  close(): Promise<void>;
}

/** Tells a file from a task's input, which is a plain object. */
export function isFileSource(value: unknown): value is FileSource {
  if (typeof value === 'string') return true;
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Blob || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return true;
  return value instanceof ReadableStream || Symbol.asyncIterator in value;
}

/** Error: `invalid_input`, for a path that cannot be read. */
export async function openSource(file: FileSource, name?: string): Promise<Source> {
  if (typeof file === 'string') return blobSource(await openPath(file), name ?? file.split(/[\\/]/).at(-1));
  if (file instanceof Blob) return blobSource(file, name ?? ('name' in file ? String(file.name) : undefined));
  if (file instanceof ArrayBuffer) return blobSource(new Blob([file]), name);
  if (ArrayBuffer.isView(file)) return blobSource(new Blob([ownBytes(file)]), name);
  if (file instanceof ReadableStream) return streamSource(readStream(file), name);
  return streamSource(file[Symbol.asyncIterator](), name);
}

/** Not imported, so that a bundle for browsers has nothing to resolve. The file is read when it is sent, not before. */
async function openPath(path: string): Promise<Blob> {
  const fs = globalThis.process?.getBuiltinModule?.('node:fs');
  if (!fs) throw new PenstockError('invalid_input', 'a path needs Node: in a browser give a File or a Blob');
  try {
    return await fs.openAsBlob(path);
  } catch (error) {
    throw new PenstockError('invalid_input', `${path} cannot be read`, { cause: error });
  }
}

function blobSource(blob: Blob, name: string | undefined): Source {
  return {
    name,
    totalBytes: blob.size,
    async read(offset, maxBytes) {
      const end = Math.min(blob.size, offset + maxBytes);
      // Without its type, which would become the request's.
      return { bytes: blob.slice(offset, end, 'application/octet-stream'), isLast: end === blob.size };
    },
    close: async () => {},
  };
}

function streamSource(chunks: AsyncIterator<Uint8Array | string>, name: string | undefined): Source {
  let held: Uint8Array[] = [];
  let heldFrom = 0;
  let isEnded = false;
  const heldBytes = () => held.reduce((sum, { byteLength }) => sum + byteLength, 0);

  /** What was stored is not asked for again. */
  function forget(offset: number): void {
    const gone = offset - heldFrom;
    if (gone < 0 || gone > heldBytes())
      throw new PenstockError('bad_answer', `the server wants byte ${offset} of a stream that is past it`);
    held = gone === 0 ? held : [joined(held).subarray(gone)];
    heldFrom = offset;
  }

  async function read(offset: number, maxBytes: number): Promise<{ bytes: Bytes; isLast: boolean }> {
    forget(offset);
    while (!isEnded && heldBytes() < maxBytes) {
      const next = await chunks.next();
      if (next.done) isEnded = true;
      else held.push(typeof next.value === 'string' ? new TextEncoder().encode(next.value) : next.value);
    }
    const all = joined(held);
    held = [all];
    return { bytes: all.subarray(0, maxBytes), isLast: isEnded && all.byteLength <= maxBytes };
  }

  return { name, totalBytes: undefined, read, close: async () => void (await chunks.return?.()) };
}

/** Safari's streams cannot be iterated. */
async function* readStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

/** A view of memory that may be shared, as bytes that nobody else changes. */
function ownBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
  return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
}
