import { decodeTime } from 'ulid';
import { isId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Storage } from '../storage/storage.ts';

const EVERY_MS = 60_000;

export interface RetentionOptions {
  readonly storage: Storage;
  /** Key prefixes whose next segment is a ULID: its time says when the blob was made. */
  readonly prefixes: readonly string[];
  readonly retentionS: number;
  readonly log: Log;
  readonly now?: () => number;
}

export interface Retention {
  /** Removes what is older than the retention; returns how many blobs that were. */
  sweep(): Promise<number>;
  close(): void;
}

/** Removes what has expired, now and each minute. One failed sweep is logged and the next one tries again. */
export function startRetention({ storage, prefixes, retentionS, log, now = Date.now }: RetentionOptions): Retention {
  let sweeping = Promise.resolve(0);

  async function sweep(): Promise<number> {
    const oldest = now() - retentionS * 1000;
    let removed = 0;
    for (const prefix of prefixes) {
      for await (const { key } of storage.list(prefix)) {
        const id = key.slice(prefix.length).split('/')[0] ?? '';
        // Keys are sorted and ids sort by time: the first that is young enough ends the search.
        if (isId(id) && decodeTime(id) >= oldest) break;
        await storage.delete(key);
        removed += 1;
      }
    }
    if (removed > 0) log.info({ removed }, 'expired files and results were removed');
    return removed;
  }

  const logged = () => {
    sweeping = sweeping.then(sweep).catch((error: unknown) => {
      log.error({ err: error }, 'expired files could not be removed');
      return 0;
    });
  };
  const timer = setInterval(logged, EVERY_MS).unref();
  logged();
  return { sweep, close: () => clearInterval(timer) };
}
