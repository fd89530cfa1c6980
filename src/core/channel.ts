import assert from 'node:assert/strict';
import { AppError } from './errors.ts';

export interface ChannelOptions<T> {
  /** Bytes that may wait inside; one item larger than this passes alone, when the channel is empty. */
  readonly capacity: number;
  /** Bytes that an item counts for; must not change while the item is inside. */
  readonly sizeOf: (item: T) => number;
}

export interface ReceiveOptions {
  /** Waits for so many bytes, or the end, or a sender that waits for room; default: for one item. */
  readonly minBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Hands items from one sender to one receiver, in order, and makes the faster of the two wait.
 *
 *     open --close()--> closed   the receiver drains what is left, then gets undefined
 *       |                 |
 *       +----fail(e)------+----> failed   what is left is dropped; both sides reject with e, now and later
 *
 * The sender waits while open and full, the receiver while open and empty; each wakes the other, without timers.
 * Two sends or two receives at once, a send after close() and a close() during a send are bugs and assert.
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly capacity: number;
  readonly #sizeOf: (item: T) => number;
  #items: T[] = [];
  #usedBytes = 0;
  #isClosed = false;
  #failure: { readonly error: Error } | undefined;
  #sender: Waiter<void> | undefined;
  #receiver: Waiter<T[] | undefined> | undefined;
  /** What the receiver waits for, and takes at most. */
  #wantedBytes = 0;
  #maxBytes = 0;

  constructor({ capacity, sizeOf }: ChannelOptions<T>) {
    assert(capacity > 0, 'a channel needs room');
    this.capacity = capacity;
    this.#sizeOf = sizeOf;
  }

  /** Bytes inside now; what the receiver took is not counted any more. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Resolves when the item is inside. If the signal aborts first, rejects with its reason and the item is not sent. */
  async send(item: T, signal?: AbortSignal): Promise<void> {
    assert(!this.#isClosed, 'nothing is sent after close()');
    signal?.throwIfAborted();
    const bytes = this.#sizeOf(item);
    while (!this.#failure && this.#usedBytes > 0 && this.#usedBytes + bytes > this.capacity) {
      assert(!this.#sender, 'a channel has one sender');
      this.#sender = new Waiter(signal);
      this.#serve();
      try {
        await this.#sender.settled;
      } finally {
        this.#sender = undefined;
      }
    }
    if (this.#failure) throw this.#failure.error;
    this.#items.push(item);
    this.#usedBytes += bytes;
    if (this.#usedBytes >= this.#wantedBytes) this.#serve();
  }

  /**
   * Takes what is inside, in order, up to `maxBytes` but one item at least, and waits for that. undefined: closed and
   * empty. If the signal aborts first, rejects with its reason and nothing is taken.
   */
  receive(maxBytes: number, { minBytes = 0, signal }: ReceiveOptions = {}): Promise<T[] | undefined> {
    // Not async: of what a wait allocates, thousands of slow uploads keep each byte alive past the young generation.
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#isClosed || !this.#isShortOf(minBytes)) return Promise.resolve(this.#next(maxBytes));
    assert(!this.#receiver, 'a channel has one receiver');
    this.#wantedBytes = minBytes;
    this.#maxBytes = maxBytes;
    this.#receiver = new Waiter(signal, signal && (() => (this.#receiver = undefined)));
    return this.#receiver.settled;
  }

  /** The sender's end of the stream; idempotent, and without effect after a failure. */
  close(): void {
    assert(!this.#sender, 'the sender does not close during its own send');
    this.#isClosed = true;
    this.#serve();
  }

  /** Ends both sides from either; the first error stays. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#items = [];
    this.#usedBytes = 0;
    this.#sender?.wake();
    this.#receiver?.fail(error);
    this.#receiver = undefined;
  }

  /** One item at a time. Who ends the iteration early fails the channel, so that the sender does not wait for ever. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (let batch = await this.receive(1); batch; batch = await this.receive(1)) yield* batch;
    } finally {
      if (!this.#isClosed || this.#items.length > 0) this.fail(new AppError('cancelled', 'the receiver stopped'));
    }
  }

  #isShortOf(bytes: number): boolean {
    return this.#items.length === 0 || (this.#usedBytes < bytes && !this.#sender);
  }

  /** The waiting receiver gets what is inside, or the end, when the sender has gone on to what it waits for next. */
  #serve(): void {
    const receiver = this.#receiver;
    if (!receiver) return;
    this.#receiver = undefined;
    // A promise of it, which takes two microtasks more.
    receiver.wake(Promise.resolve(this.#next(this.#maxBytes)));
  }

  #next(maxBytes: number): T[] | undefined {
    if (this.#items.length === 0) return undefined;
    const batch = this.#take(maxBytes);
    this.#sender?.wake();
    return batch;
  }

  #take(maxBytes: number): T[] {
    if (this.#usedBytes <= maxBytes) {
      const all = this.#items;
      this.#items = [];
      this.#usedBytes = 0;
      return all;
    }
    let count = 0;
    let bytes = 0;
    for (const item of this.#items) {
      const size = this.#sizeOf(item);
      if (count > 0 && bytes + size > maxBytes) break;
      count += 1;
      bytes += size;
    }
    this.#usedBytes -= bytes;
    return this.#items.splice(0, count);
  }
}

/** One side asleep until it is woken, or its signal aborts. */
class Waiter<T> {
  readonly settled: Promise<T>;
  readonly wake: (value: T | Promise<T>) => void;
  readonly fail: (error: unknown) => void;

  constructor(signal: AbortSignal | undefined, onAbort?: () => void) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.settled = promise;
    this.wake = resolve;
    this.fail = reject;
    if (!signal) return;
    const abort = () => {
      onAbort?.();
      reject(signal.reason);
    };
    const unlessAborted =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        signal.removeEventListener('abort', abort);
        settle(value);
      };
    signal.addEventListener('abort', abort, { once: true });
    this.wake = unlessAborted<T | Promise<T>>(resolve);
    this.fail = unlessAborted<unknown>(reject);
  }
}
