import { createHash } from 'node:crypto';
import { decodeTime } from 'ulid';
import type { Log } from '../core/log.ts';
import { isFinal, type Job, type Queue } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import { readRecord } from './record.ts';

export const CACHE = 'cache/';
/** A result is not handed out again shortly before it expires. */
const FRESH_SHARE = 0.9;
/** A job that has succeeded is told of from memory for so long: its note is on its way to the storage. */
const RECENT_MS = 5000;

/** What a job's result depends on. */
export interface Work {
  readonly task: string;
  /** Whose callers share it; undefined: all. */
  readonly owner?: string | undefined;
  readonly version: string | undefined;
  readonly input: unknown;
  /** Of the files, in order. */
  readonly sha256: readonly string[];
}

/** Finds the job that does, or did, the same work, for tasks that promise the same result for the same work. */
export interface Twins {
  /** The id of a job that is still at it. */
  findLive(work: Work): string | undefined;
  /** The id of a job that has succeeded just now. */
  findRecent(work: Work): string | undefined;
  /** The id of a job whose result is there. */
  findKept(work: Work): Promise<string | undefined>;
  /** The job does this work; false: `findLive` is not to tell of it. */
  note(work: Work, jobId: string, isJoinable?: boolean): void;
  /** The job has its final state. */
  settled(job: Job): Promise<void>;
}

export interface TwinsOptions {
  readonly queue: Queue;
  readonly storage: Storage;
  readonly retentionS: number;
  readonly log: Log;
}

export function createTwins({ queue, storage, retentionS, log }: TwinsOptions): Twins {
  const live = new Map<string, string>();
  const prints = new Map<string, string>();
  /** In the order in which they succeeded. */
  const recent = new Map<string, { readonly jobId: string; readonly at: number }>();
  const recentMs = Math.min(RECENT_MS, retentionS * 1000 * FRESH_SHARE);

  /** One call asks by the same work up to four times. */
  const printed = new WeakMap<Work, string>();
  function printOf(work: Work): string {
    const print = printed.get(work) ?? fingerprint(work);
    printed.set(work, print);
    return print;
  }

  function findLive(work: Work): string | undefined {
    const jobId = live.get(printOf(work));
    const job = jobId === undefined ? undefined : queue.get(jobId);
    return job && !job.isEnding && !isFinal(job.status) ? job.id : undefined;
  }

  function findRecent(work: Work): string | undefined {
    const done = recent.get(printOf(work));
    return done && performance.now() - done.at < recentMs ? done.jobId : undefined;
  }

  async function findKept(work: Work): Promise<string | undefined> {
    const info = await storage.stat(CACHE + printOf(work));
    const jobId = info && String(info.meta.job);
    if (jobId === undefined || Date.now() - decodeTime(jobId) > retentionS * 1000 * FRESH_SHARE) return undefined;
    const record = await readRecord(storage, jobId);
    return record?.job.status === 'succeeded' ? jobId : undefined;
  }

  function note(work: Work, jobId: string, isJoinable = true): void {
    if (work.version === undefined) return;
    const print = printOf(work);
    if (isJoinable) live.set(print, jobId);
    prints.set(jobId, print);
  }

  async function settled(job: Job): Promise<void> {
    const print = prints.get(job.id);
    if (print === undefined) return;
    prints.delete(job.id);
    if (live.get(print) === job.id) live.delete(print);
    if (job.status !== 'succeeded') return;
    noteRecent(print, job.id);
    try {
      await storage.delete(CACHE + print);
      const sink = await storage.create(CACHE + print, { durable: false });
      await sink.commit({ job: job.id });
    } catch (error) {
      log.warn({ err: error, job_id: job.id }, 'a result could not be noted for later calls');
    }
  }

  function noteRecent(print: string, jobId: string): void {
    const now = performance.now();
    for (const [old, { at }] of recent) {
      if (now - at < recentMs) break;
      recent.delete(old);
    }
    recent.delete(print);
    recent.set(print, { jobId, at: now });
  }

  return { findLive, findRecent, findKept, note, settled };
}

/** Hexadecimal, the same for the same work. */
export function fingerprint({ task, owner, version, input, sha256 }: Work): string {
  return createHash('sha256')
    .update(JSON.stringify([task, version ?? null, input, sha256, ...(owner === undefined ? [] : [owner])]))
    .digest('hex');
}
