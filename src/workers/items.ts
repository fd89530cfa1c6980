import { setImmediate as nextTurn } from 'node:timers/promises';

/** Bytes of items that may be under way to their reader; one larger than this passes alone. */
const WINDOW_BYTES = 1_048_576;
const WINDOW_ITEMS = 64;
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
  readonly send: (json: string) => void;
}

/** Sends what a generator yields; it is asked for the next item only while little enough is under way. */
export class ItemPump {
  #bytes = 0;
  #items = 0;
  #room = Promise.withResolvers<void>();

  /** The reader has taken an item of so many bytes. */
  taken(bytes: number): void {
    this.#bytes -= bytes;
    this.#items -= 1;
    this.#room.resolve();
  }

  /** Resolves with the number of items, once all have been sent. Error: the generator's, or the signal's reason. */
  async run(source: ItemSource, { signal, encode, send }: ItemsOptions): Promise<number> {
    let count = 0;
    let turnAt = performance.now();
    try {
      for (;;) {
        if (performance.now() - turnAt > TURN_MS) {
          await nextTurn();
          turnAt = performance.now();
        }
        await this.#untilRoom(signal);
        signal.throwIfAborted();
        const item = await source.next();
        if (item.done) return count;
        const json = encode(item.value);
        this.#bytes += json.length;
        this.#items += 1;
        count += 1;
        send(json);
      }
    } catch (error) {
      await source.return?.();
      throw error;
    }
  }

  async #untilRoom(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#room.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!signal.aborted && (this.#bytes >= WINDOW_BYTES || this.#items >= WINDOW_ITEMS)) {
      this.#room = Promise.withResolvers();
      await this.#room.promise;
    }
    signal.removeEventListener('abort', onAbort);
  }
}
