import { AppError } from '../core/errors.ts';
import type { BlobInfo, Growing, GrowingBlobs, GrowingInfo, GrowingState, Sink } from './storage.ts';

interface Entry {
  info: GrowingInfo;
  bytes: Buffer;
}

export interface MemoryAppendOptions {
  readonly createSink: (key: string) => Promise<Sink>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Growing blobs in the process's memory: everything is durable as far as memory goes. */
export function createMemoryAppend({ createSink, now = Date.now }: MemoryAppendOptions): GrowingBlobs {
  const entries = new Map<string, Entry>();

  function get(id: string): Entry {
    const entry = entries.get(id);
    if (!entry) throw new AppError('not_found', `there is no ${id}`);
    return entry;
  }

  /** A copy through JSON, as on a disk: what is not JSON must not seem to be kept. */
  function describe(state: GrowingState, size: number): GrowingInfo {
    return { ...JSON.parse(JSON.stringify(state)), size, changedAt: now() };
  }

  function open(id: string): Growing {
    const entry = get(id);
    const setBytes = (bytes: Buffer) => {
      entry.bytes = bytes;
      entry.info = { ...entry.info, size: bytes.byteLength, changedAt: now() };
    };
    return {
      append: async (chunks) => setBytes(Buffer.concat([entry.bytes, ...chunks])),
      flush: async () => entry.bytes.byteLength,
      truncate: async (size) => setBytes(entry.bytes.subarray(0, size)),
      read: ({ start, end }) => chunkOf(entry.bytes.subarray(start, end + 1)),
      async publish(key, meta): Promise<BlobInfo> {
        const sink = await createSink(key);
        await sink.write([entry.bytes]);
        const info = await sink.commit(meta);
        setBytes(Buffer.alloc(0));
        return info;
      },
      close: async () => undefined,
    };
  }

  return {
    async create(id, state) {
      if (entries.has(id)) throw new AppError('conflict', `${id} exists`);
      entries.set(id, { info: describe(state, 0), bytes: Buffer.alloc(0) });
    },
    find: async (id) => entries.get(id)?.info,
    async update(id, state) {
      const entry = get(id);
      entry.info = describe(state, entry.info.size);
    },
    open: async (id) => open(id),
    async delete(id) {
      entries.delete(id);
    },
    async *list() {
      yield* [...entries.keys()].sort();
    },
  };
}

async function* chunkOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield Buffer.from(bytes);
}
