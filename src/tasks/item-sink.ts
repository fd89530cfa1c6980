import type { Channel } from '../core/channel.ts';
import { AppError, toAppError } from '../core/errors.ts';

/** Bytes that the items of a generator may have together where nobody reads along. */
const MAX_KEPT_BYTES = 8 * 2 ** 20;

/** Where a generator's items go. */
export interface ItemSink {
  /** The function turned out to be a generator: gives what takes its items, as JSON, one after the other. */
  open(): (json: string) => Promise<void>;
  /** All of them, where they were kept. */
  readonly items: readonly unknown[] | undefined;
  /** No more items come. */
  end(): void;
  /** The run failed: a reader that has had items cannot be given those of another run. */
  fail(error: unknown): void;
}

/** To the reader of the tap as fast as it reads, or kept, within a bound, to become the job's result. */
export function createItemSink(tap: Channel<string> | undefined, signal: AbortSignal): ItemSink {
  let kept: unknown[] | undefined;
  let isOpen = false;
  let bytes = 0;
  let last: Promise<void> = Promise.resolve();

  async function send(channel: Channel<string>, json: string): Promise<void> {
    await last;
    await channel.send(json, signal);
  }

  async function keep(json: string): Promise<void> {
    bytes += json.length;
    if (bytes > MAX_KEPT_BYTES)
      throw new AppError(
        'too_large',
        `its items are more than ${MAX_KEPT_BYTES} bytes together: ask for them as they come (Accept: application/x-ndjson)`,
      );
    kept?.push(JSON.parse(json));
  }

  return {
    open() {
      isOpen = true;
      if (!tap) {
        kept = [];
        return keep;
      }
      return (json) => {
        last = send(tap, json);
        return last;
      };
    },
    get items() {
      return kept;
    },
    end() {
      void last.then(
        () => tap?.close(),
        () => undefined,
      );
    },
    fail(error) {
      if (isOpen) tap?.fail(toAppError(error));
    },
  };
}
