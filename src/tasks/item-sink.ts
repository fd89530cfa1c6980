import { AppError, toAppError } from '../core/errors.ts';
import type { Tap } from './taps.ts';

/** Bytes that the items of a generator may have together where nobody reads along. */
const MAX_KEPT_BYTES = 8 * 2 ** 20;

/** Where a generator's items go. */
export interface ItemSink {
  /** The function turned out to be a generator: gives what takes its items, as JSON, one after the other. */
  open(): (json: string) => Promise<void>;
  /** All of them, where they were kept. */
  readonly items: readonly unknown[] | undefined;
  /** They are being read along: another run would tell them twice. */
  readonly isRead: boolean;
  /** No more items come, whether the run succeeded or not: its reader has those that there are, then asks for the outcome. */
  end(): void;
}

/** To the reader of the tap as fast as it reads, or kept, within a bound, to become the job's result. */
export function createItemSink(tap: Tap | undefined, signal: AbortSignal): ItemSink {
  let kept: unknown[] | undefined;
  let bytes = 0;
  let last: Promise<void> = Promise.resolve();

  async function send({ items }: Tap, json: string): Promise<void> {
    await last;
    await items.send(json, signal);
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
      if (!tap) {
        kept = [];
        return keep;
      }
      tap.hasBegun = true;
      return (json) => {
        last = send(tap, json);
        return last;
      };
    },
    get items() {
      return kept;
    },
    get isRead() {
      return tap?.hasBegun ?? false;
    },
    end() {
      if (!tap?.hasBegun) return;
      void last.then(
        () => tap.items.close(),
        (error: unknown) => tap.items.fail(toAppError(error)),
      );
    },
  };
}
