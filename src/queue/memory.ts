import { raceSignal } from '../core/deadline.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { type ReserveOptions, TaskLine } from './line.ts';
import type { Depth, Job, JobEvent, JobStatus, NewJob, Part, Place, Queue, Run, Slot, WorkOptions } from './queue.ts';
import { createWatchers } from './watchers.ts';

/** Settled jobs whose record could not be kept stay here, this many at most. */
const MAX_UNKEPT = 100;

const FRESH = {
  status: 'queued',
  isEnding: false,
  progress: 0,
  message: undefined,
  attempt: 0,
  startedAt: undefined,
  finishedAt: undefined,
  result: undefined,
  error: undefined,
} as const;

interface Entry {
  job: Job;
  /** Its final state is chosen, and told as soon as it may be. */
  isDecided: boolean;
  readonly abort: AbortController;
  /** The same array as the job's. */
  readonly parts: Part[];
  readonly partIndexes: Set<number>;
  failures: number;
  retryTimer: NodeJS.Timeout | undefined;
}

export interface MemoryQueueOptions {
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Keeps the record of a final job, called once for each; then the queue forgets the job. `say`: what it waits for. */
  readonly keep?: (job: Job, say: (message: string) => void) => Promise<void>;
  /** true: nobody is told of the job's final state before it is kept, so that no crash can take it back. Default: false. */
  readonly isKeptFirst?: (job: Job) => boolean;
  /** A run has failed, and another will follow. */
  readonly onRetry?: (job: Job) => void;
}

/** The queue of one process: everything in memory and gone with it. */
export class MemoryQueue implements Queue {
  readonly #lines = new Map<string, TaskLine>();
  readonly #entries = new Map<string, Entry>();
  readonly #unkept: string[] = [];
  readonly #watchers = createWatchers();
  readonly #now: () => number;
  readonly #keep: MemoryQueueOptions['keep'];
  readonly #isKeptFirst: (job: Job) => boolean;
  readonly #onRetry: (job: Job) => void;
  #liveJobs = 0;
  #isClosed = false;
  #idle = Promise.withResolvers<void>();

  constructor({ now = Date.now, keep, isKeptFirst = () => false, onRetry = () => undefined }: MemoryQueueOptions = {}) {
    this.#now = now;
    this.#keep = keep;
    this.#isKeptFirst = isKeptFirst;
    this.#onRetry = onRetry;
  }

  work(task: string, options: WorkOptions): void {
    this.#lines.set(task, new TaskLine(task, options, this.#now));
  }

  reserve(task: string, options: ReserveOptions = {}): Slot {
    return this.#line(task).reserve(options);
  }

  submit(newJob: NewJob, slot?: Slot): Job {
    const known = this.#entries.get(newJob.id);
    if (known) {
      slot?.release();
      return known.job;
    }
    const parts: Part[] = [];
    const job: Job = { ...FRESH, priority: 0, createdAt: this.#now(), ...newJob, parts };
    this.#line(newJob.task).enter(slot, job);
    const fresh = {
      isDecided: false,
      abort: new AbortController(),
      partIndexes: new Set<number>(),
      failures: 0,
      retryTimer: undefined,
    };
    const entry: Entry = { job, parts, ...fresh };
    this.#entries.set(newJob.id, entry);
    this.#liveJobs += 1;
    this.#dispatch(newJob.task);
    return entry.job;
  }

  get(id: string): Job | undefined {
    return this.#entries.get(id)?.job;
  }

  cancel(id: string, reason: AppError): Job | undefined {
    const entry = this.#entries.get(id);
    if (entry && !entry.isDecided) {
      this.#settle(entry, reason.code === 'deadline_exceeded' ? 'timed_out' : 'cancelled', { error: reason });
      entry.abort.abort(reason);
    }
    return entry?.job;
  }

  async *watch(id: string, signal: AbortSignal, afterPart = 0): AsyncGenerator<JobEvent> {
    const entry = this.#entries.get(id);
    if (!entry) throw new AppError('not_found', `there is no live job ${id}`);
    yield* this.#watchers.follow(id, () => entry.job, { signal, afterPart });
  }

  depth(task: string): Depth {
    return this.#line(task).depth();
  }

  place(id: string): Place | undefined {
    const job = this.#entries.get(id)?.job;
    return job?.status === 'queued' ? this.#line(job.task).place(id) : undefined;
  }

  list(): readonly Job[] {
    return [...this.#entries.values()].map((entry) => entry.job).reverse();
  }

  async idle(signal: AbortSignal): Promise<void> {
    while (this.#liveJobs > 0) await raceSignal(this.#idle.promise, signal);
  }

  close(reason: AppError, isKept: (job: Job) => boolean): void {
    this.#isClosed = true;
    for (const entry of [...this.#entries.values()]) {
      if (entry.isDecided) continue;
      if (!isKept(entry.job)) this.#settle(entry, 'cancelled', { error: reason });
      clearTimeout(entry.retryTimer);
      entry.abort.abort(reason);
    }
  }

  #line(task: string): TaskLine {
    const line = this.#lines.get(task);
    if (!line) throw new AppError('not_found', `there is no task ${task}`);
    return line;
  }

  #update(entry: Entry, change: Partial<Job>): void {
    entry.job = { ...entry.job, ...change };
    this.#watchers.tell(entry.job.id);
  }

  /** The one place where a job becomes final. */
  #settle(entry: Entry, status: JobStatus, outcome: { result?: unknown; error?: AppError }): void {
    if (entry.isDecided) return;
    entry.isDecided = true;
    clearTimeout(entry.retryTimer);
    const progress = status === 'succeeded' ? 1 : entry.job.progress;
    const final: Job = { ...entry.job, ...outcome, status, progress, finishedAt: this.#now() };
    this.#line(final.task).settled(final);
    void this.#handOver(entry, final);
    this.#dispatch(final.task);
  }

  /** A job without a keeper, or whose keeper failed, is remembered within a bound. */
  async #handOver(entry: Entry, final: Job): Promise<void> {
    const isKeptFirst = this.#isKeptFirst(final);
    if (isKeptFirst) entry.job = { ...entry.job, isEnding: true };
    else this.#publish(entry, final);
    const isKept = await this.#isKept(final, (message) => {
      if (entry.job.isEnding) this.#update(entry, { message });
    });
    if (isKeptFirst) this.#publish(entry, final);
    if (isKept) {
      this.#entries.delete(final.id);
      return;
    }
    this.#unkept.push(final.id);
    if (this.#unkept.length > MAX_UNKEPT) this.#entries.delete(this.#unkept.shift() ?? '');
  }

  async #isKept(final: Job, say: (message: string) => void): Promise<boolean> {
    try {
      await this.#keep?.(final, say);
      return this.#keep !== undefined;
    } catch {
      // Whoever keeps has logged it; the job stays here for those who ask.
      return false;
    }
  }

  #publish(entry: Entry, final: Job): void {
    this.#update(entry, final);
    this.#liveJobs -= 1;
    if (this.#liveJobs > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  #dispatch(task: string): void {
    const line = this.#line(task);
    for (let next = line.next(); next !== undefined; next = line.next()) {
      const entry = this.#entries.get(next.id);
      if (!entry) continue;
      line.working(entry.job);
      void this.#perform(entry, line);
    }
  }

  async #perform(entry: Entry, line: TaskLine): Promise<void> {
    try {
      const result = await line.handler(this.#run(entry, line));
      this.#settle(entry, 'succeeded', { result });
    } catch (error) {
      this.#fail(entry, line, toAppError(error));
    }
    line.left(entry.job.id);
    this.#dispatch(entry.job.task);
  }

  #fail(entry: Entry, line: TaskLine, error: AppError): void {
    // What a closing queue stopped has not failed: the next process does it.
    if (this.#isClosed || entry.isDecided) return;
    entry.failures += 1;
    // A run that failed before it began counts, too: it would be tried for ever.
    const delayMs = line.retry?.(Math.max(entry.job.attempt, entry.failures), error);
    if (delayMs === undefined) {
      this.#settle(entry, error.code === 'deadline_exceeded' ? 'timed_out' : 'failed', { error });
      return;
    }
    line.stopped(entry.job.id, false);
    this.#onRetry(entry.job);
    this.#update(entry, { status: 'queued', message: `attempt ${entry.job.attempt} failed: ${error.message}` });
    entry.retryTimer = setTimeout(() => {
      line.wait(entry.job);
      this.#dispatch(entry.job.task);
    }, delayMs);
  }

  #run(entry: Entry, line: TaskLine): Run {
    return {
      job: entry.job,
      signal: entry.abort.signal,
      start: () => {
        if (entry.isDecided || entry.job.status !== 'queued') return false;
        line.started(entry.job);
        this.#update(entry, { status: 'running', startedAt: this.#now(), attempt: entry.job.attempt + 1 });
        return true;
      },
      spent: (ms) => line.spent(entry.job.id, ms),
      progress: (fraction, message) => {
        if (entry.isDecided) return;
        const progress = Math.min(1, Math.max(entry.job.progress, Number.isFinite(fraction) ? fraction : 0));
        this.#update(entry, { progress, message: message ?? entry.job.message });
      },
      part: (index, part) => {
        if (entry.isDecided || entry.partIndexes.has(index)) return;
        entry.partIndexes.add(index);
        entry.parts.push(part);
        this.#update(entry, {});
      },
    };
  }
}
