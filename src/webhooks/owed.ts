import { createHash } from 'node:crypto';
import type { WebhookJson } from '../api.ts';

/** What a caller asked for: to be told at `url`, with links that start with `origin`. */
export interface Callback {
  readonly url: string;
  readonly origin: string;
}

/** One message that is owed. */
export interface Owed extends Callback {
  readonly jobId: string;
  /** Of the URL; safe in a storage key. */
  readonly name: string;
  attempts: number;
  lastError: string | undefined;
  /** Milliseconds since the epoch. */
  nextAt: number | undefined;
  isStarted: boolean;
}

/** The messages that this process owes, by job. */
export interface OwedList {
  readonly size: number;
  of(jobId: string): readonly Owed[];
  /** The one entry of the job and URL. */
  hold(jobId: string, callback: Callback): Owed;
  drop(entry: Owed): void;
}

export function createOwedList(): OwedList {
  const byJob = new Map<string, Map<string, Owed>>();
  let size = 0;

  function hold(jobId: string, callback: Callback): Owed {
    const name = createHash('sha256').update(callback.url).digest('hex').slice(0, 16);
    const ofJob = byJob.get(jobId) ?? new Map<string, Owed>();
    const known = ofJob.get(name);
    if (known) return known;
    const fresh = { attempts: 0, lastError: undefined, nextAt: undefined, isStarted: false };
    const entry: Owed = { ...callback, ...fresh, jobId, name };
    byJob.set(jobId, ofJob.set(name, entry));
    size += 1;
    return entry;
  }

  function drop({ jobId, name }: Owed): void {
    const ofJob = byJob.get(jobId);
    if (ofJob?.delete(name)) size -= 1;
    if (ofJob?.size === 0) byJob.delete(jobId);
  }

  return {
    get size() {
      return size;
    },
    of: (jobId) => [...(byJob.get(jobId)?.values() ?? [])],
    hold,
    drop,
  };
}

export function toWebhookJson(entry: Owed, status: WebhookJson['status']): WebhookJson {
  return {
    url: withoutQuery(entry.url),
    status,
    attempts: entry.attempts,
    last_error: entry.lastError ?? null,
    next_attempt_at: entry.nextAt === undefined ? null : new Date(entry.nextAt).toISOString(),
  };
}

/** Receivers keep their tokens in the query. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
