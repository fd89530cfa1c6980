import assert from 'node:assert/strict';
import { createBuffers } from '../core/buffers.ts';
import { ChunkSlab, SMALL_BYTES } from '../core/chunk-slab.ts';
import type { AppError } from '../core/errors.ts';

/** What makes the sender wait. */
export interface Valve {
  pause(): void;
  resume(): void;
}

/** Of a smaller chunk there is too little to free. */
const RECYCLED_BYTES = 4 * 1024;
/**
 * A gathered chunk. Each leaves 1 KB of promises to the old generation, which they grow into as they wait: of 4 KiB, 2,000 slow
 * uploads would hold 8 MB less and make twice the full collections (measured).
 */
const BLOCK_BYTES = 8 * 1024;
/** A cache without meaning, hence the module's: for all bodies together; when thousands have ended, 2 MiB are kept. */
const blocks = createBuffers(BLOCK_BYTES, 256);

/**
 * A request's body, pulled chunk by chunk by one reader.
 *
 *     open --end()--> ended    what lies here is still given out, then undefined
 *       |               |
 *       +---fail(e)-----+--> failed   what lies here is dropped; next() rejects with e
 *
 * A chunk that nobody waits for closes the valve until it is taken, so what lies here is bounded by what the transport
 * brings in after pause(): about one receive buffer, and one block where it gathers. A reader that is faster than the
 * network never touches the valve.
 */
export class Body implements AsyncIterable<Uint8Array> {
  readonly #valve: Valve;
  readonly #untaken: Uint8Array[] = [];
  readonly #slab = new ChunkSlab();
  /** Told of bytes as they come; undefined: nothing is gathered. */
  #onCame: ((bytes: number) => void) | undefined;
  #block: Uint8Array | undefined;
  #blockBytes = 0;
  /** Where the block is given out. */
  #blockEnd = BLOCK_BYTES;
  #bufferedBytes = 0;
  #receivedBytes = 0;
  #isPaused = false;
  #isEnded = false;
  #error: AppError | undefined;
  #waiter: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  /** Of the reader that waits, or last did. */
  #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#refuse(this.#signal?.reason);

  constructor(valve: Valve) {
    this.#valve = valve;
  }

  /** Bytes that came and were not taken yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Bytes that came since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** True once the last byte came, whether taken or not. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * The next chunk, the caller's own; undefined at the end, and again after it. One call at a time. Errors: `client_gone`,
   * `cancelled` (the request was answered meanwhile), the signal's reason.
   */
  next(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    // Not async: what a wait allocates, thousands of slow uploads keep alive past the young generation.
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#error) return Promise.reject(this.#error);
    const chunk = this.#untaken.shift();
    if (!chunk && !this.#isEnded) return this.#wait(signal);
    if (chunk) {
      this.#bufferedBytes -= chunk.byteLength;
      if (this.#untaken.length === 0) this.#open();
    }
    return Promise.resolve(chunk);
  }

  /**
   * From now on small chunks are given out together, 8 KiB at a time, or what has come at the end. `onCame` is told of all
   * bytes as they come. Thousands of slow uploads wake their readers less often so, and the garbage collector has one
   * block that is used again instead of a buffer for each packet. The first ends at a random point behind its middle:
   * uploads that began at once would else all write at once, again and again.
   */
  gather(onCame: (bytes: number) => void, random = Math.random): void {
    this.#onCame = onCame;
    this.#blockEnd = Math.ceil((BLOCK_BYTES / 2) * (1 + random()));
    if (this.#bufferedBytes > 0) onCame(this.#bufferedBytes);
  }

  /**
   * Frees the memory of a chunk that nobody looks at any more. Left to V8, which counts array buffers but sees little reason
   * for a cheap collection, 1 GB of body took 64 full ones and a second of CPU time (measured).
   */
  recycle(chunk: Uint8Array): void {
    const { buffer } = chunk;
    if (blocks.giveBack(chunk) || chunk.byteLength < RECYCLED_BYTES) return;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = await this.next(); chunk; chunk = await this.next()) yield chunk;
  }

  /** For the transport's side: one more chunk. One that is `lent` is the transport's again when this returns. */
  push(chunk: Uint8Array, isLent = false): void {
    const bytes = chunk.byteLength;
    if (this.#error || this.#isEnded || bytes === 0) return;
    this.#receivedBytes += bytes;
    this.#onCame?.(bytes);
    if (this.#onCame && bytes <= SMALL_BYTES) {
      this.#put(chunk);
      return;
    }
    this.#releaseBlock();
    this.#deliver(isLent ? this.#slab.copy(chunk) : chunk);
  }

  /** For the transport's side: that was all. */
  end(): void {
    if (this.#error) return;
    this.#releaseBlock();
    this.#isEnded = true;
    // Nothing more can pile up, and only a socket that is read tells that its peer is gone.
    this.#open();
    this.#give(undefined);
  }

  /** Nothing more will be given out; without effect on a body that was taken to its end. */
  fail(error: AppError): void {
    if (this.#error || (this.#isEnded && this.#untaken.length === 0)) return;
    this.#error = error;
    if (this.#block) blocks.giveBack(this.#block);
    this.#block = undefined;
    this.#blockBytes = 0;
    this.#untaken.length = 0;
    this.#bufferedBytes = 0;
    this.#refuse(error);
  }

  /** Into the block, and the rest into the next one. */
  #put(chunk: Uint8Array): void {
    this.#block ??= blocks.take();
    const room = this.#blockEnd - this.#blockBytes;
    const fitting = chunk.byteLength <= room ? chunk : chunk.subarray(0, room);
    this.#block.set(fitting, this.#blockBytes);
    this.#blockBytes += fitting.byteLength;
    this.#bufferedBytes += fitting.byteLength;
    if (this.#blockBytes < this.#blockEnd) return;
    this.#releaseBlock();
    this.#blockEnd = BLOCK_BYTES;
    if (fitting.byteLength < chunk.byteLength) this.#put(chunk.subarray(fitting.byteLength));
  }

  #releaseBlock(): void {
    const block = this.#blockBytes < BLOCK_BYTES ? this.#block?.subarray(0, this.#blockBytes) : this.#block;
    this.#bufferedBytes -= this.#blockBytes;
    this.#block = undefined;
    this.#blockBytes = 0;
    if (block) this.#deliver(block);
  }

  #deliver(chunk: Uint8Array): void {
    if (this.#waiter) {
      this.#give(chunk);
      return;
    }
    this.#untaken.push(chunk);
    this.#bufferedBytes += chunk.byteLength;
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#valve.pause();
  }

  #open(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#valve.resume();
  }

  #wait(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    assert(!this.#waiter, 'a body has one reader');
    this.#watch(signal);
    this.#waiter = Promise.withResolvers();
    return this.#waiter.promise;
  }

  #give(chunk: Uint8Array | undefined): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (chunk === undefined) this.#watch(undefined);
    waiter?.resolve(chunk);
  }

  #refuse(error: unknown): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#watch(undefined);
    waiter?.reject(error);
  }

  /** A reader hands in the same signal for chunk after chunk: it is listened to once. */
  #watch(signal: AbortSignal | undefined): void {
    if (signal === this.#signal) return;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort);
  }
}
