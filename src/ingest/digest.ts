import { createHash, type Hash } from 'node:crypto';
import { canReadBack, type Sink } from '../storage/storage.ts';
import type { DigestFollower, Following } from './digest-follower.ts';
import type { Digests, HashName } from './digest-messages.ts';

/** Up to so many bytes are hashed where they pass by; a hop to another thread would cost more. */
const INLINE_BYTES = 1024 * 1024;
/** The digest thread hears of every so many bytes; what is left at the end takes it a few milliseconds. */
const STEP_BYTES = 4 * 1024 * 1024;

export interface DigesterOptions {
  readonly sink: Sink;
  readonly algorithms: readonly HashName[];
  readonly declaredBytes: number | undefined;
  readonly follower: DigestFollower;
}

/**
 * Hashes what is written to a sink: in this thread while it is little, and beyond that in the digest thread, which reads
 * the growing file back from the page cache. Nothing is copied or sent between the threads but file sizes, and the digest
 * is of what the file system holds.
 *
 * Measured with 1 GB, CPU seconds of the event loop and in all: everything hashed here 1.1 and 1.8, read back by the thread
 * 0.35 and 1.7, chunks sent to the thread in messages 0.5 and more than 3.
 */
export class Digester {
  readonly #options: DigesterOptions;
  readonly #path: string | undefined;
  readonly #hashes: ReadonlyMap<HashName, Hash>;
  #following: Following | undefined;
  #bytes = 0;
  #announced = 0;

  constructor(options: DigesterOptions) {
    this.#options = options;
    this.#path = canReadBack(options.sink) ? options.sink.path : undefined;
    if ((options.declaredBytes ?? 0) > INLINE_BYTES) this.#follow();
    const inline = this.#following ? [] : options.algorithms;
    this.#hashes = new Map(inline.map((name) => [name, createHash(name)]));
  }

  /** The next chunks, while they are being written; those of the calls before have been written. */
  update(chunks: readonly Uint8Array[]): void {
    if (this.#bytes >= INLINE_BYTES) this.#follow();
    if (this.#bytes - this.#announced >= STEP_BYTES) this.#announce();
    for (const chunk of chunks) {
      this.#bytes += chunk.byteLength;
      if (this.#following) continue;
      for (const hash of this.#hashes.values()) hash.update(chunk);
    }
  }

  /** After the last write. */
  async finish(): Promise<Digests> {
    if (!this.#following) return new Map([...this.#hashes].map(([name, hash]) => [name, hash.digest()]));
    this.#announce();
    return await this.#following.finish();
  }

  drop(): void {
    this.#following?.drop();
  }

  #follow(): void {
    if (this.#path === undefined) return;
    this.#following ??= this.#options.follower.follow(this.#path, this.#options.algorithms);
  }

  #announce(): void {
    this.#following?.advance(this.#bytes);
    this.#announced = this.#bytes;
  }
}
