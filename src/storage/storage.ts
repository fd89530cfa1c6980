import { AppError } from '../core/errors.ts';

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
  /** Declared size in bytes where known: is reserved, and refused at once where it does not fit (`storage_full`). */
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
  /** Of the others nothing is read. */
  readonly isWanted?: (key: string) => boolean;
}

/** A sink, or a growing blob, whose bytes so far another thread can read at this path, until the commit or the abort. */
export interface ReadBack {
  readonly path: string;
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
  open(key: string, range?: ByteRange): Promise<BlobBytes>;
  stat(key: string): Promise<BlobInfo | undefined>;
  /** Makes durable all blobs below a prefix that were committed without being so. */
  sync(prefix: string): Promise<void>;
  /** Idempotent; whoever reads it already, or holds its path, finishes. */
  delete(key: string): Promise<void>;
  /** Blobs whose key starts with `prefix`, a path that ends in `/`, sorted by key. */
  list(prefix: string, options?: ListOptions): AsyncIterable<BlobInfo>;
  /** A local path to read from while held; `release` when done. Error: `not_found`. */
  materialize(key: string): Promise<{ readonly path: string; release(): Promise<void> }>;
}

/** Bytes of a blob, pulled chunk by chunk. */
export interface BlobBytes extends AsyncIterable<Uint8Array> {
  /** Takes back a chunk that nobody looks at any more: the next ones are read into its memory. For sources that gain by it. */
  recycle?(chunk: Uint8Array): void;
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

/** Storage in which a crash leaves what takes long to find. */
export interface Tidying {
  /** Removes what belongs to no blob, beside all else that goes on. Error: the signal's reason. */
  tidy(signal: AbortSignal): Promise<void>;
}

/** Storage in which a blob may take many requests, and outlive crashes, before it is whole. */
export interface Appendable {
  readonly growing: GrowingBlobs;
}

/**
 * A **growing blob**: bytes that are appended under an id of their own until they are published under a key. Once it is
 * broken, `find` and `open` refuse it with the first `BrokenGrowing` until it is deleted.
 */
export interface GrowingBlobs {
  /** Empty and durable on return. Errors: `conflict` (the id exists), `storage_full` (the expected bytes would not fit now). */
  create(id: string, state: GrowingState): Promise<void>;
  find(id: string): Promise<GrowingInfo | undefined>;
  /** Replaces the state, durably, all or nothing. Errors: `not_found`, `storage_full` (as `create`, where others are expected now). */
  update(id: string, state: GrowingState): Promise<void>;
  /**
   * For its one writer; the caller sees to it that there is no other. The room for the bytes that are still to come is
   * reserved until it is closed. Errors: `not_found`, `too_many_uploads`, `storage_full`.
   */
  open(id: string, options?: GrowingOpenOptions): Promise<Growing>;
  /** Idempotent. */
  delete(id: string): Promise<void>;
  /** Ids in order. */
  list(): AsyncIterable<string>;
}

export interface GrowingOpenOptions {
  /** false: nothing will be appended, so that a full disk is no hindrance. Default true. */
  readonly isForAppend?: boolean;
}

/** What is kept beside the bytes. */
export interface GrowingState {
  readonly note: Meta;
  /** Bytes that it will have in the end, where known: what is missing of them has its room reserved while it is open. */
  readonly expectedBytes?: number | undefined;
}

export interface GrowingInfo extends GrowingState {
  /** Bytes that survive power loss; 0 again once published. */
  readonly size: number;
  /** When bytes or state last changed: milliseconds since 1970. */
  readonly changedAt: number;
}

/** Bytes did not reach the disk, so nothing of the growing blob can be trusted any more, and no second try can tell: delete it. */
export class BrokenGrowing extends AppError {}

/** A growing blob in the hands of its writer, one call at a time. */
export interface Growing {
  /** As `Sink.write`, but an error takes nothing back: `flush` tells what is there. */
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes all of it durable and tells how many bytes that are. Error: `BrokenGrowing`. */
  flush(): Promise<number>;
  /** Takes bytes back, durably. Error: `BrokenGrowing`. */
  truncate(size: number): Promise<void>;
  read(range: ByteRange): AsyncIterable<Uint8Array>;
  /**
   * Makes a blob of it, without a copy and all or nothing, as `Sink.commit`; its state stays. What a crash or an error
   * interrupted can be done again with the same key. Errors: `conflict` (the key is something else's), `BrokenGrowing`.
   */
  publish(key: string, meta: Meta): Promise<BlobInfo>;
  /** Idempotent; `publish` does it, too. */
  close(): Promise<void>;
}

export function canAdopt(storage: Storage): storage is Storage & Adopting {
  return 'adopt' in storage;
}

export function canReadBack<S extends Sink | Growing>(sink: S): sink is S & ReadBack {
  return 'path' in sink;
}

const KEY = /^[a-z][a-z0-9_-]*(\/[A-Za-z0-9_-]+)+$/;

export function isKey(key: string): boolean {
  return KEY.test(key) && key.length <= 200;
}

/** Guards against a path that leaves the storage: a key is made by us, so another is a bug. */
export function assertKey(key: string): void {
  if (!isKey(key)) throw new Error(`not a storage key: ${JSON.stringify(key.slice(0, 300))}`);
}
