import type { AppError } from '../core/errors.ts';

/**
 * Jobs waiting for workers, and their live state. A **slot** is one place in a task's queue, taken before the body is
 * read. Implementations: memory.ts (suite: test/contracts/queue.ts).
 *
 *   reserve -> submit -> queued -> running -> succeeded | failed
 *                         |  ^       |
 *                         |  +-------+  retry
 *                         +----------+-----> cancelled | timed_out
 *
 * A job has exactly one final state: whoever settles it first wins and every later attempt changes nothing. Of a job that
 * was accepted it is on record before anybody is told, so that no crash can make it another one.
 */
export type JobStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'timed_out';

export interface NewJob {
  readonly id: string;
  readonly task: string;
  /** Who asked: callers share a task's workers fairly. */
  readonly caller: string;
  readonly input: unknown;
  /** Ids of stored files that the job works on. */
  readonly files: readonly string[];
  /** Higher goes first among the waiting; default 0. */
  readonly priority?: number;
  /** Runs that had begun in a process that is gone; default 0. */
  readonly attempt?: number;
  /** Milliseconds since the epoch; default: now. */
  readonly createdAt?: number;
}

/** A finished piece of a job's result, told before the rest is there. */
export interface Part {
  readonly value: unknown;
  /** Keys of its stored outputs, below the job's. */
  readonly outputs: readonly string[];
}

export interface Job extends Required<NewJob> {
  readonly status: JobStatus;
  /** Its final state is chosen and is told as soon as it is on record. */
  readonly isEnding: boolean;
  /** 0 to 1, never falling. */
  readonly progress: number;
  readonly message: string | undefined;
  /** In the order in which they were finished; grows in place. */
  readonly parts: readonly Part[];
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** Set once `succeeded`. */
  readonly result: unknown;
  /** Set once `failed`, `cancelled` or `timed_out`. */
  readonly error: AppError | undefined;
}

export type JobEvent =
  | { readonly type: 'snapshot' | 'progress' | 'done'; readonly job: Job }
  | { readonly type: 'part'; readonly job: Job; readonly part: Part };

/** One run of a job, as its handler sees it. */
export interface Run {
  readonly job: Job;
  /** Aborts when the job is cancelled or timed out; the reason is the AppError that ended it. */
  readonly signal: AbortSignal;
  /** The work really begins now: `queued` becomes `running`, the attempt is counted. false: it had begun, or has ended. */
  start(): boolean;
  progress(fraction: number, message?: string): void;
  /** A worker was busy with the job for so long; told by handlers whose jobs share the workers. */
  spent(ms: number): void;
  /** Announces a finished part of the result to whoever watches; once for each `index`, also over several attempts. */
  part(index: number, part: Part): void;
}

/** Does one job. What it returns is the result, what it throws the failure. */
export type Handler = (run: Run) => Promise<unknown>;

export interface WorkOptions {
  /** Jobs at work at once. */
  readonly concurrency: number;
  /** Jobs that may wait beyond those. */
  readonly queueSize: number;
  /**
   * true: hand over every admitted job at once, for handlers that share the workers among their jobs themselves
   * (workers/schedule.ts). The admission limit stays the same.
   */
  readonly eager: boolean;
  readonly handler: Handler;
  /** After a failed run: milliseconds until the next one; undefined: the failure is final. Default: always final. */
  readonly retry?: ((attempt: number, error: AppError) => number | undefined) | undefined;
}

/** A place held for a job that is still being uploaded. */
export interface Slot {
  readonly task: string;
  /** Gives the place back; idempotent, does nothing after submit. */
  release(): void;
}

export interface Depth {
  readonly waiting: number;
  readonly running: number;
  /** Places left. */
  readonly free: number;
  /** Seconds that a job submitted now would likely wait for its turn, from the measured service time. */
  readonly estimatedWaitS: number;
}

/** Where a waiting job stands. */
export interface Place {
  /** 1: it is the next. */
  readonly position: number;
  readonly estimatedWaitS: number;
}

export interface Queue {
  /** Declares a task and who does its jobs; once per task, before the first reserve. */
  work(task: string, options: WorkOptions): void;
  /**
   * Error: `queue_full` with Retry-After, also where by the measured cost of jobs so many have their turn before the caller's
   * next one that the deadline cannot be kept.
   */
  reserve(
    task: string,
    options?: { readonly caller?: string | undefined; readonly deadlineMs?: number | undefined },
  ): Slot;
  /** Uses the slot up; a job that was accepted by a process that is gone needs none. Idempotent by id. */
  submit(job: NewJob, slot?: Slot): Job;
  /** A live job, or one that has just ended. */
  get(id: string): Job | undefined;
  /** Ends the job with `cancelled`, or `timed_out` for a `deadline_exceeded` reason; a final state stays as it is. */
  cancel(id: string, reason: AppError): Job | undefined;
  /**
   * The snapshot first, then every part after the first `afterPart` (default 0), and changes of state, of which slow readers
   * get the newest only; ends after `done`. Errors: `not_found`, the signal's reason.
   */
  watch(id: string, signal: AbortSignal, afterPart?: number): AsyncIterable<JobEvent>;
  depth(task: string): Depth;
  /** undefined: it does not wait. */
  place(id: string): Place | undefined;
  /** Newest first. */
  list(): readonly Job[];
  /** Resolves when no job is live. Error: the signal's reason. */
  idle(signal: AbortSignal): Promise<void>;
  /** Stops every live job: `cancelled` by the reason, but those to be `kept` stay unsettled, for the next process to do. */
  close(reason: AppError, isKept: (job: Job) => boolean): void;
}

export function isFinal(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'running';
}
