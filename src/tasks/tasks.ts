import { extname } from 'node:path';
import type { Channel } from '../core/channel.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { NewId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { ownerOf } from '../core/owner.ts';
import type { Job, NewJob, Queue, Slot as QueueSlot } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import type { Workers } from '../workers/workers.ts';
import { inLanes } from './lanes.ts';
import type { LoadedTask } from './load.ts';
import { createOwnWorkers } from './own-workers.ts';
import { packWork } from './packed-work.ts';
import pdf2image from './pdf2image.ts';
import { createRetry } from './retry.ts';
import { createRunner } from './runner.ts';
import { createTaps } from './taps.ts';
import { createEntry, type TaskEntry } from './task-entry.ts';

export { checkDeclared, type Placed, placeFiles } from './file-slots.ts';
export { createInlineCalls, type InlineCalls } from './inline.ts';
export { type LoadedTask, loadTasks } from './load.ts';
export type { InlineJobs, JobOptions } from './task.ts';
export type { TaskEntry } from './task-entry.ts';

/** The tasks that come with the product. A new one: its file, its line here. */
const BUILT_IN: readonly LoadedTask[] = [
  { task: pdf2image, moduleUrl: new URL(`./pdf2image${extname(import.meta.url)}`, import.meta.url).href },
];

export interface TasksOptions {
  readonly queue: Queue;
  /** Shared by the tasks that have none of their own. */
  readonly workers: Workers;
  /** Makes those of a task that wants its own. */
  readonly createWorkers: (count: number) => Workers;
  readonly storage: Storage;
  readonly workDir: string;
  /** The users' own. */
  readonly loaded: readonly LoadedTask[];
  /** Defaults for tasks that do not say. */
  readonly queueSize: number;
  readonly concurrency: number;
  /** Seconds. */
  readonly deadlineS: number;
  /** Seconds: the longest deadline, and the longest that one unit of a job may take, unless its task says more. */
  readonly maxDeadlineS: number;
  /** What one part of a split task may take in its worker. */
  readonly maxPartS: number;
  readonly newId: NewId;
  readonly log: Log;
  /** Called before each run of a job begins, which waits for the promise. */
  readonly onBegin: (jobId: string, attempt: number) => Promise<void> | undefined;
}

export interface Submission {
  readonly entry: TaskEntry;
  readonly slot: QueueSlot;
  readonly caller: string;
  /** Already parsed by `entry.input`. */
  readonly input: unknown;
  /** Already placed by `placeFiles`, in any order. */
  readonly files: readonly { readonly field: string; readonly file: { readonly id: string } }[];
  /** Default: the task's. */
  readonly priority?: number | undefined;
}

/** A job whose items are its caller's answer, as JSON; whoever reads them to the end or leaves calls `close`. */
export interface StreamedJob {
  readonly job: Job;
  readonly items: Channel<string>;
  /** Ends the items with the job where no run of it has begun them; where one has, only an aborted `signal` does: its own end comes. */
  endWith(outcome: Promise<unknown>, signal: AbortSignal): void;
  close(): void;
}

export interface Tasks {
  find(name: string): TaskEntry | undefined;
  list(): readonly TaskEntry[];
  /** Names of those that have a queue. */
  queued(): readonly string[];
  /** Takes a place in the task's queue, before the body is read. Error: `queue_full`, also where the deadline cannot be kept. */
  reserve(
    entry: TaskEntry,
    options?: { readonly caller?: string; readonly deadlineMs?: number | undefined },
  ): QueueSlot;
  submit(submission: Submission): Job;
  /** What `submit` would hand to the queue, for whoever does so himself. */
  newJob(id: string, submission: Omit<Submission, 'slot'>): NewJob;
  /** For a generator whose items are read as they come. */
  submitStreamed(submission: Submission): StreamedJob;
  /** Ends the workers that belong to single tasks, as `Workers.close`. */
  close(signal?: AbortSignal): Promise<void>;
}

/** Error: a plain one that names the task and what is wrong with it. */
export function createTasks(options: TasksOptions): Tasks {
  const { queue, storage, workDir, onBegin, maxPartS, newId, log } = options;
  const taps = createTaps();
  const own = createOwnWorkers(options.createWorkers);
  const partsAhead = options.workers.stats().workers + 1;
  const runner = createRunner({ storage, workDir, onBegin, taps, maxPartS, partsAhead, log });
  const entries = new Map<string, TaskEntry>();
  const defaults = { ...options, workers: options.concurrency };

  for (const loaded of [...BUILT_IN, ...options.loaded]) {
    const entry = describeFaults(loaded, () => createEntry(loaded, defaults));
    const { name } = entry.task;
    if (entries.has(name)) throw new Error(`--tasks: ${loaded.moduleUrl}: there is another task by the name ${name}`);
    entries.set(name, entry);
    if (!entry.isInline) serve(entry);
  }

  function serve(entry: TaskEntry): void {
    const { task, queueSize, concurrency } = entry;
    const workers = task.workers === undefined ? options.workers : own.get(task.name, task.workers);
    const handler = runner(entry, workers);
    const isInLanes = task.queues === 'per-worker';
    queue.work(task.name, {
      ...{ queueSize, concurrency },
      // A split task's parts share the workers by the pool's own schedule, so that short jobs pass long ones.
      eager: 'plan' in task || isInLanes,
      handler: isInLanes ? inLanes(concurrency, handler) : handler,
      retry: createRetry(task),
    });
  }

  function newJob(id: string, { entry, caller, input, files, priority }: Omit<Submission, 'slot'>): NewJob {
    const { name: task, priority: usual = 0 } = entry.task;
    const ids = files.map(({ file }) => file.id);
    const fields = files.map(({ field }) => field);
    return { id, task, caller, input: packWork(input, fields), files: ids, priority: priority ?? usual };
  }

  function submitStreamed(submission: Submission): StreamedJob {
    const id = newId(ownerOf(submission.caller));
    const tap = taps.open(id);
    const { items } = tap;
    const endWith: StreamedJob['endWith'] = (outcome, signal) => {
      void outcome.then(
        // A task that is no generator after all.
        () => tap.hasBegun || items.close(),
        // What was yielded before a failure is told before it.
        (error: unknown) => (tap.hasBegun && !signal.aborted) || items.fail(toAppError(error)),
      );
    };
    const close = () => {
      taps.close(id);
      items.fail(new AppError('client_gone', 'nobody reads the items any more'));
    };
    try {
      return { job: queue.submit(newJob(id, submission), submission.slot), items, endWith, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  return {
    find: (name) => entries.get(name),
    list: () => [...entries.values()],
    queued: () => [...entries.values()].filter(({ isInline }) => !isInline).map(({ task }) => task.name),
    reserve: ({ task }, reserveOptions) => queue.reserve(task.name, reserveOptions),
    submit: (submission) => queue.submit(newJob(newId(ownerOf(submission.caller)), submission), submission.slot),
    newJob,
    submitStreamed,
    close: own.close,
  };
}

function describeFaults<T>({ task, moduleUrl }: LoadedTask, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`--tasks: ${moduleUrl.replace('file://', '')}: task ${String(task.name)}: ${why}`, {
      cause: error,
    });
  }
}
