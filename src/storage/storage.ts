/**
 * Where bytes rest. A **blob** is a run of bytes under a key, with a small JSON `meta` committed together with it.
 * A **key** is a path of lower-case segments, ids and numbers joined by `/` (`files/01J...`), never a client's file name;
 * no key is the parent path of another. A blob without bytes is fine: a record that is all meta.
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
  /**
   * Appends the chunks in order; resolves when the storage has taken them, so that the caller can wait and may reuse their
   * memory. One call at a time. Errors: `storage_full`, `too_many_uploads` (no descriptors), `too_large`.
   */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /**
   * All or nothing: on return the bytes, the meta and their names survive power loss (unless not durable), and on an error
   * nothing remains. Error: `conflict` (the key exists).
   */
  commit(meta: Meta): Promise<BlobInfo>;
  /** Frees everything; idempotent, does nothing after `commit`. */
  abort(): Promise<void>;
}

export interface ListOptions {
  /** A key: only those that come after it in the order of the listing. */
  readonly after?: string;
  readonly limit?: number;
  /** Last key first. */
  readonly isReversed?: boolean;
}

/** Bytes `start` to `end`, both included, as in HTTP (RFC 9110 section 14.1.2). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface Storage {
  /** Error: `storage_full` (the expected bytes do not fit beside those that others expect). */
  create(key: string, options?: CreateOptions): Promise<Sink>;
  /**
   * Pulls the bytes as the consumer asks for them; nothing is held before the first is asked for, and ending the iteration
   * early frees what is. The range lies within the blob. Error: `not_found`.
   */
  open(key: string, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  stat(key: string): Promise<BlobInfo | undefined>;
  /** Idempotent; whoever reads it already, or holds its path, finishes. */
  delete(key: string): Promise<void>;
  /** Blobs whose key starts with `prefix`, a path that ends in `/`, sorted by key. */
  list(prefix: string, options?: ListOptions): AsyncIterable<BlobInfo>;
  /** A local path to read from while held; `release` when done. Error: `not_found`. */
  materialize(key: string): Promise<{ readonly path: string; release(): Promise<void> }>;
}

/** Storage on a local file system: takes over a file that a worker has written there, without a copy. */
export interface Adopting {
  adopt(key: string, path: string, meta: Meta, options?: { durable?: boolean }): Promise<BlobInfo>;
}

/** Storage that can run out of room or break, for readiness. */
export interface Finite {
  freeBytes(): Promise<number>;
  /** false after a fault that waiting does not cure (EIO, EROFS), until something is stored again. */
  isHealthy(): boolean;
}

export function canAdopt(storage: Storage): storage is Storage & Adopting {
  return 'adopt' in storage;
}

export function isFiniteStorage(storage: Storage): storage is Storage & Finite {
  return 'freeBytes' in storage;
}

const KEY = /^[a-z][a-z0-9_-]*(\/[A-Za-z0-9_-]+)+$/;

/** Guards against a path that leaves the storage: a key is made by us, so another is a bug. */
export function assertKey(key: string): void {
  if (!KEY.test(key) || key.length > 200) throw new Error(`not a storage key: ${JSON.stringify(key.slice(0, 300))}`);
}
