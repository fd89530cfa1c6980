/**
 * Where bytes rest. A **blob** is a run of bytes under a key, with a small JSON `meta` committed together with it.
 * A **key** is a path of lower-case segments, ids and numbers joined by `/` (`files/01J...`), never a client's file name.
 * Implementations: disk.ts, memory.ts (one suite: test/contracts/storage.ts).
 */
export type Meta = Readonly<Record<string, unknown>>;

export interface BlobInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly meta: Meta;
}

export interface CreateOptions {
  /** Declared size in bytes where known: lets the storage refuse early (`storage_full`) and preallocate. */
  readonly expectedBytes?: number;
  /** false: survive a crash is not needed (results that can be computed again); no fsync is made. Default true. */
  readonly durable?: boolean;
}

/** An unfinished blob. Nobody sees it until `commit`; after `abort`, or a crash, nothing of it remains. */
export interface Sink {
  /** Appends the chunks in order; resolves when the storage has taken them, so that the caller can wait. One call at a time. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** All or nothing: on return the bytes, the meta and their names survive power loss (unless not durable). */
  commit(meta: Meta): Promise<BlobInfo>;
  /** Frees everything; idempotent, does nothing after `commit`. */
  abort(): Promise<void>;
}

/** Bytes `start` to `end`, both included, as in HTTP (RFC 9110 section 14.1.2). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface Storage {
  /** Errors: `storage_full`, `too_many_uploads` (no descriptors), `conflict` (the key exists, at commit). */
  create(key: string, options?: CreateOptions): Promise<Sink>;
  /** Pulls the bytes as the consumer asks for them; ending the iteration early frees the descriptor. Error: `not_found`. */
  open(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  stat(key: string): Promise<BlobInfo | undefined>;
  /** Idempotent; readers that have it open finish. */
  delete(key: string): Promise<void>;
  /** Blobs whose key starts with `prefix`, sorted by key, those after `after` only. */
  list(prefix: string, options?: { after?: string; limit?: number }): AsyncIterable<BlobInfo>;
  /** A local path to read from while held; `release` when done. Error: `not_found`. */
  materialize(key: string): Promise<{ readonly path: string; release(): Promise<void> }>;
}

/** Storage on a local file system: takes over a file that a worker has written there, without a copy. */
export interface Adopting {
  adopt(key: string, path: string, meta: Meta, options?: { durable?: boolean }): Promise<BlobInfo>;
}

export function canAdopt(storage: Storage): storage is Storage & Adopting {
  return 'adopt' in storage;
}

/** Storage that can run out of room: what is left, and a floor below which it is not ready. */
export interface Finite {
  freeBytes(): Promise<number>;
}
