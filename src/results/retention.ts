import { decodeTime } from 'ulid';
import { isId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Storage } from '../storage/storage.ts';
import { IDEMPOTENCY } from './idempotency.ts';
import { endOf, RECORDS } from './record.ts';
import { CACHE } from './twins.ts';

const EVERY_MS = 60_000;
/** Short retentions are kept to the second, more or less. */
const MIN_EVERY_MS = 1000;

/** Blobs that are removed side by side. */
const AT_ONCE = 16;
/** Each has to be read: not at every sweep. */
const NOTES_EVERY = 10;

export interface RetentionOptions {
  readonly storage: Storage;
  /** Key prefixes whose next segment is a ULID: its time says when the blob was made, or its job; records come before what else belongs to jobs. */
  readonly prefixes: readonly string[];
  readonly retentionS: number;
  /** Ids that are needed however old they are: of live jobs and of their files. */
  readonly inUse: () => ReadonlySet<string>;
  readonly log: Log;
  readonly now?: () => number;
}

export interface Retention {
  /** Removes what is older than the retention; returns how many blobs that were. */
  sweep(): Promise<number>;
  close(): void;
}

/** Removes what has expired, now and each minute. One failed sweep is logged and the next one tries again. */
export function startRetention(options: RetentionOptions): Retention {
  const { storage, prefixes, retentionS, inUse, log, now = Date.now } = options;
  let sweeps = 0;
  let sweeping = Promise.resolve(0);

  async function sweep(): Promise<number> {
    const oldest = now() - retentionS * 1000;
    const needed = new Set(inUse());
    let removed = 0;
    for (const prefix of prefixes) removed += await sweepPrefix(prefix, oldest, needed);
    if (sweeps++ % NOTES_EVERY === 0) removed += await sweepNotes(oldest);
    if (removed > 0) log.info({ removed }, 'expired files and results were removed');
    return removed;
  }

  /** Adds jobs that are old and took long to `needed`: their time begins with their end. */
  async function sweepPrefix(prefix: string, oldest: number, needed: Set<string>): Promise<number> {
    let removed = 0;
    const expired: string[] = [];
    const removeAll = async () => {
      removed += expired.length;
      await Promise.all(expired.splice(0).map(storage.delete));
    };
    for await (const info of storage.list(prefix)) {
      const id = info.key.slice(prefix.length).split('/')[0] ?? '';
      // Keys are sorted and ids sort by time: the first that is young enough ends the search.
      if (isId(id) && decodeTime(id) >= oldest) break;
      if (prefix === RECORDS && endOf(info) >= oldest) needed.add(id);
      if (needed.has(id)) continue;
      expired.push(info.key);
      if (expired.length >= AT_ONCE) await removeAll();
    }
    await removeAll();
    return removed;
  }

  /** Small records that stand for a job and end with it. */
  async function sweepNotes(oldest: number): Promise<number> {
    let removed = 0;
    for (const prefix of [CACHE, IDEMPOTENCY]) {
      for await (const { key, meta } of storage.list(prefix)) {
        const id = String(meta.job);
        if (isId(id) && decodeTime(id) >= oldest) continue;
        await storage.delete(key);
        removed += 1;
      }
    }
    return removed;
  }

  const logged = () => {
    sweeping = sweeping.then(sweep).catch((error: unknown) => {
      log.error({ err: error }, 'expired files could not be removed');
      return 0;
    });
  };
  const everyMs = Math.min(EVERY_MS, Math.max(MIN_EVERY_MS, (retentionS * 1000) / 4));
  const timer = setInterval(logged, everyMs).unref();
  logged();
  return { sweep, close: () => clearInterval(timer) };
}
