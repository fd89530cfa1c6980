import { AppError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import type { Job, NewJob } from '../queue/queue.ts';
import type { Meta, Storage } from '../storage/storage.ts';

const PENDING = 'pending/';
const ATTEMPTS = 'attempts/';
const EXCUSES = 'excuses/';
const SINCE = 'ledger/since';
/** Prefixes of what comes and goes with every accepted job. */
export const MARKERS: readonly string[] = [PENDING, ATTEMPTS, EXCUSES];

type AcceptedJob = Required<NewJob> & Partial<Pick<Job, 'status'>>;

/** What an accepted job was promised beside its outcome. */
export interface Terms {
  /** Milliseconds since the epoch; the job ends `timed_out` then. */
  readonly deadlineAt?: number | undefined;
}

/** An accepted job of a process that is gone; its `attempt` counts the runs that had begun. */
export interface PendingJob {
  readonly job: NewJob & { readonly attempt: number; readonly createdAt: number };
  readonly terms: Terms;
  /** Runs that the process did not live through, other than those it was asked to stop. */
  readonly deaths: number;
}

/**
 * The durable record of accepted jobs: a marker `pending/<job>` from accept to settle, and `attempts/<job>-<n>` for each run
 * that began since; `excuses/<job>-<n>` tells that the process ended run n on purpose. From it the next process knows what it owes.
 */
export interface Ledger {
  /** When the data folder was first used, in milliseconds since the epoch: no id is older. */
  readonly since: number;
  /** Durable on return: the job outlives the process from here on. Once for each job. */
  accept(job: AcceptedJob, terms?: Terms): Promise<void>;
  isAccepted(id: string): boolean;
  /** Resolves when the acceptance that was asked for is durable; undefined: none was. */
  acceptance(id: string): Promise<void> | undefined;
  /** For a job that `pending` told of and that is live again. */
  readmit(id: string): void;
  /**
   * On return it outlives the process that run `attempt` of an accepted job is about to begin. Does nothing for others.
   * It need not outlive a power cut, which is no run's doing.
   */
  begin(id: string, attempt: number): Promise<void> | undefined;
  /** As `begin`: the run of an accepted job that is under way ends, or has ended, with the process alive. */
  excuse(job: Job): Promise<void>;
  /** Forgets an accepted job, whose outcome is on record now. */
  settle(id: string): Promise<void>;
  /** Oldest first. */
  pending(): AsyncIterable<PendingJob>;
}

type Marker = PendingJob['job'] & { readonly terms: Terms; readonly survived?: number };

export async function openLedger({ storage }: { readonly storage: Storage }): Promise<Ledger> {
  const accepted = new Map<string, Promise<void>>();
  const attempts = await highestAttempts(storage);
  const since = await findSince(storage);

  async function accept(job: AcceptedJob, terms: Terms = {}): Promise<void> {
    const { id, task, caller, input, files, priority, attempt, createdAt, status } = job;
    // Runs that the process lived through.
    const survived = status === 'running' ? attempt - 1 : attempt;
    const marker = { task, caller, input, files, priority, attempt, createdAt, terms, survived };
    // Known before it is written: a job that starts or ends meanwhile is an accepted one.
    const written = write(storage, PENDING + id, marker);
    accepted.set(id, written);
    attempts.set(id, attempt);
    try {
      await written;
    } catch (error) {
      accepted.delete(id);
      throw error;
    }
  }

  async function* pending(): AsyncGenerator<PendingJob> {
    const live = new Set<string>();
    const excuses = await countExcuses(storage);
    for await (const { key, meta } of storage.list(PENDING)) {
      const id = key.slice(PENDING.length);
      const { terms, survived = 0, ...job } = meta as unknown as Marker;
      live.add(id);
      const attempt = Math.max(job.attempt, attempts.get(id) ?? 0);
      attempts.set(id, attempt);
      yield { job: { ...job, id, attempt }, terms, deaths: attempt - survived - (excuses.get(id) ?? 0) };
    }
    // A crash between the two deletions of settle leaves these.
    for (const id of attempts.keys()) if (isId(id) && !live.has(id)) await forgetAttempts(id);
  }

  async function forgetAttempts(id: string): Promise<void> {
    const last = attempts.get(id) ?? 0;
    attempts.delete(id);
    for (let attempt = 1; attempt <= last; attempt++) {
      await storage.delete(`${ATTEMPTS}${id}-${attempt}`);
      await storage.delete(`${EXCUSES}${id}-${attempt}`);
    }
  }

  return {
    since,
    accept,
    isAccepted: (id) => accepted.has(id),
    acceptance: (id) => accepted.get(id),
    readmit: (id) => void accepted.set(id, Promise.resolve()),
    begin(id, attempt) {
      if (!accepted.has(id)) return undefined;
      attempts.set(id, attempt);
      return write(storage, `${ATTEMPTS}${id}-${attempt}`, {}, false);
    },
    async excuse({ id, status, attempt }) {
      if (status !== 'queued' && accepted.has(id)) await excuseRun(storage, `${id}-${attempt}`);
    },
    async settle(id) {
      await accepted.get(id);
      await storage.delete(PENDING + id);
      accepted.delete(id);
      await forgetAttempts(id);
    },
    pending,
  };
}

async function highestAttempts(storage: Storage): Promise<Map<string, number>> {
  const highest = new Map<string, number>();
  for await (const { key } of storage.list(ATTEMPTS)) {
    const [id = '', attempt] = key.slice(ATTEMPTS.length).split('-');
    highest.set(id, Math.max(highest.get(id) ?? 0, Number(attempt)));
  }
  return highest;
}

async function countExcuses(storage: Storage): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { key } of storage.list(EXCUSES)) {
    const [id = ''] = key.slice(EXCUSES.length).split('-');
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

async function excuseRun(storage: Storage, run: string): Promise<void> {
  try {
    await write(storage, EXCUSES + run, {}, false);
  } catch (error) {
    if (error instanceof AppError && error.code === 'conflict') return;
    // A disk that takes no excuse gives up what it is for.
    await storage.delete(ATTEMPTS + run);
  }
}

async function findSince(storage: Storage): Promise<number> {
  const known = await storage.stat(SINCE);
  if (known) return Number(known.meta.at);
  const at = Date.now();
  await write(storage, SINCE, { at });
  return at;
}

async function write(storage: Storage, key: string, meta: Meta, durable = true): Promise<void> {
  const sink = await storage.create(key, { durable });
  await sink.commit(meta);
}
