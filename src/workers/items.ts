import { setImmediate as nextTurn } from 'node:timers/promises';

/** Bytes of items that may be under way to their reader; one larger than this passes alone. */
const WINDOW_BYTES = 1_048_576;
const WINDOW_ITEMS = 2048;
/** So many bytes go in one message; fewer, where the generator rests. */
const BATCH_BYTES = 16_384;
/** A generator that computes gives the thread its turn so often: only then it hears of an abort. */
const TURN_MS = 20;

export type ItemSource = Iterator<unknown> | AsyncIterator<unknown>;

/** undefined: a value, not a generator. Arrays and texts are values. */
export function asItemSource(value: unknown): ItemSource | undefined {
  if (typeof value !== 'object' || value === null || !('next' in value) || typeof value.next !== 'function')
    return undefined;
  const isGenerator = Symbol.asyncIterator in value || Symbol.iterator in value;
  return isGenerator ? (value as ItemSource) : undefined;
}

export interface ItemsOptions {
  readonly signal: AbortSignal;
  readonly encode: (item: unknown) => string;
  readonly send: (items: readonly string[]) => void;
}

/** Sends what a generator yields; it is asked for the next item only while little enough is under way. */
export class ItemPump {
  #bytes = 0;
  #items = 0;
  #room = Promise.withResolvers<void>();

  /** The reader has taken so many items, of so many bytes together. */
  taken(items: number, bytes: number): void {
    this.#bytes -= bytes;
    this.#items -= items;
    this.#room.resolve();
  }

  /** Resolves with the number of items, once all have been sent. Error: the generator's, or the signal's reason. */
  async run(source: ItemSource, { signal, encode, send }: ItemsOptions): Promise<number> {
    const batch = createBatch(send);
    let count = 0;
    let turnAt = performance.now();
    try {
      for (;;) {
        if (performance.now() - turnAt > TURN_MS) {
          batch.flush();
          await nextTurn();
          turnAt = performance.now();
        }
        if (this.#isFull()) {
          batch.flush();
          await this.#untilRoom(signal);
        }
        signal.throwIfAborted();
        const item = await source.next();
        if (item.done) return count;
        const json = encode(item.value);
        this.#bytes += json.length;
        this.#items += 1;
        count += 1;
        batch.add(json);
      }
    } catch (error) {
      await source.return?.();
      throw error;
    } finally {
      batch.flush();
    }
  }

  #isFull(): boolean {
    return this.#bytes >= WINDOW_BYTES || this.#items >= WINDOW_ITEMS;
  }

  async #untilRoom(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#room.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!signal.aborted && this.#isFull()) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
    signal.removeEventListener('abort', onAbort);
  }
}

/** Items on their way into one message, which leaves when it is large enough or the thread has a moment. */
function createBatch(send: (items: readonly string[]) => void) {
  let items: string[] = [];
  let bytes = 0;
  let timer: NodeJS.Immediate | undefined;

  function flush(): void {
    clearImmediate(timer);
    timer = undefined;
    if (items.length > 0) send(items);
    items = [];
    bytes = 0;
  }

  return {
    flush,
    add(json: string): void {
      items.push(json);
      bytes += json.length;
      if (bytes >= BATCH_BYTES) flush();
      else timer ??= setImmediate(flush);
    },
  };
}
