import { setTimeout as delay } from 'node:timers/promises';
import { MAX_TIMER_MS } from '../core/deadline.ts';
import { AppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Ledger, PendingJob, Terms } from '../ledger/ledger.ts';
import { isFinal, type Job, type NewJob, type Queue, type Slot } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import { readRecord } from './record.ts';

/** Deaths of the server in the midst of a job, after which the job is taken for their cause. */
const MAX_DEATHS = 2;
const MAX_START_WAIT_MS = 2000;
/** Records that are looked for at a time. */
const READ_AHEAD = 32;

export interface AcceptanceOptions {
  readonly queue: Queue;
  readonly ledger: Ledger;
  /** Writes the record of a final job. */
  readonly keep: (job: Job) => Promise<void>;
  /** Resolves when the record that is being written is there. */
  readonly kept: (id: string) => Promise<void> | undefined;
  readonly storage: Storage;
  readonly log: Log;
}

/** Jobs that go on without their callers. */
export interface Acceptance {
  /** On return the job, or its record where it has ended meanwhile, outlives this process. Idempotent. */
  accept(id: string, terms: Terms): Promise<void>;
  /** Accepts a job before it is submitted: whatever happens in between, there is one job. Idempotent by id, over restarts, too. */
  admit(job: NewJob, slot: Slot): Promise<void>;
  /** Puts back into the queue what the last process had accepted and not finished; tells how many jobs that are. */
  recover(): Promise<number>;
  /** Its deadline needs no timer any more. */
  ended(id: string): void;
}

export function createAcceptance({ queue, ledger, keep, kept, storage, log }: AcceptanceOptions): Acceptance {
  /** Of jobs that live. */
  const timers = new Map<string, NodeJS.Timeout>();

  async function accept(id: string, terms: Terms): Promise<void> {
    const job = queue.get(id);
    if (!job) return;
    const earlier = ledger.acceptance(id);
    if (earlier) return await earlier;
    if (isFinal(job.status)) return await kept(id);
    await ledger.accept(job, terms);
    endInTime(id, terms);
  }

  async function admit(newJob: NewJob, slot: Slot): Promise<void> {
    const { id } = newJob;
    if (queue.get(id) || (await readRecord(storage, id))) return;
    const job = { priority: 0, attempt: 0, createdAt: Date.now(), ...newJob };
    await (ledger.acceptance(id) ?? ledger.accept(job));
    queue.submit(job, slot);
  }

  function endInTime(id: string, { deadlineAt }: Terms): void {
    if (deadlineAt === undefined) return;
    const reason = new AppError('deadline_exceeded', 'the job was not done by its deadline and was stopped');
    const ms = Math.min(Math.max(0, deadlineAt - Date.now()), MAX_TIMER_MS);
    const timer = setTimeout(() => queue.cancel(id, reason), ms).unref();
    timers.set(id, timer);
  }

  function ended(id: string): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
  }

  async function recover(): Promise<number> {
    let count = 0;
    const pending = await Array.fromAsync(ledger.pending());
    for (let next = 0; next < pending.length; next += READ_AHEAD) {
      const some = pending.slice(next, next + READ_AHEAD);
      const ended = await Promise.all(some.map(async ({ job }) => (await readRecord(storage, job.id)) !== undefined));
      for (const [index, each] of some.entries()) count += Number(await readmit(each, ended[index] === true));
    }
    if (count > 0) log.info({ jobs: count }, 'jobs of the last process go on');
    return count;
  }

  async function readmit({ job, terms, deaths }: PendingJob, hasRecord: boolean): Promise<boolean> {
    ledger.readmit(job.id);
    if (hasRecord) {
      await ledger.settle(job.id);
      return false;
    }
    try {
      if (deaths >= MAX_DEATHS) throw new AppError('worker_crashed', 'the server died twice while it ran this job');
      queue.submit(job);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      log.warn({ job_id: job.id, task: job.task, code: error.code }, error.message);
      // A disk that takes nothing must not keep the server from starting.
      await Promise.race([keep(failed(job, error)), delay(MAX_START_WAIT_MS, undefined, { ref: false })]);
      return false;
    }
    endInTime(job.id, terms);
    return true;
  }

  return { accept, admit, recover, ended };
}

/** A job that is not run any more. */
function failed(job: PendingJob['job'], error: AppError): Job {
  const ended = { isEnding: false, startedAt: undefined, finishedAt: Date.now(), result: undefined, parts: [] };
  return { priority: 0, ...job, ...ended, status: 'failed', progress: 0, message: undefined, error };
}
