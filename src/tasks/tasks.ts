import { AppError } from '../core/errors.ts';
import type { Job, Queue, Slot } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import type { Workers } from '../workers/workers.ts';
import { createInputParser, type InputParser } from './input.ts';
import pdf2image from './pdf2image.ts';
import { createRetry } from './retry.ts';
import { createRunner, type LoadedTask } from './runner.ts';
import type { Task } from './task.ts';

/** The tasks that come with the product. A new one: its file, its line here. */
const BUILT_IN: readonly LoadedTask[] = [
  { task: pdf2image, moduleUrl: new URL('./pdf2image.ts', import.meta.url).href },
];

export interface TasksOptions {
  readonly queue: Queue;
  readonly workers: Workers;
  readonly storage: Storage;
  readonly workDir: string;
  /** Defaults for tasks that do not say. */
  readonly queueSize: number;
  readonly concurrency: number;
  /** Seconds. */
  readonly deadlineS: number;
  /** Seconds: the longest deadline, and the longest that one unit of a job may take. */
  readonly maxDeadlineS: number;
  /** What one part of a split task may take in its worker. */
  readonly maxPartS: number;
  readonly newId: () => string;
  /** Called before each run of a job begins, which waits for the promise. */
  readonly onBegin: (jobId: string, attempt: number) => Promise<void> | undefined;
}

/** A task ready to be called. */
export interface TaskEntry {
  readonly task: Task;
  readonly input: InputParser;
  readonly queueSize: number;
  readonly concurrency: number;
  readonly deadlineS: number;
}

export interface Submission {
  readonly entry: TaskEntry;
  readonly slot: Slot;
  readonly caller: string;
  /** Already parsed by `entry.input`. */
  readonly input: unknown;
  readonly files: readonly string[];
  readonly priority?: number;
}

export interface Tasks {
  find(name: string): TaskEntry | undefined;
  list(): readonly TaskEntry[];
  /** Takes a place in the task's queue, before the body is read. Error: `queue_full`, also where the deadline cannot be kept. */
  reserve(entry: TaskEntry, options?: { readonly caller?: string; readonly deadlineMs?: number | undefined }): Slot;
  submit(submission: Submission): Job;
}

export function createTasks(options: TasksOptions): Tasks {
  const runner = createRunner({
    workers: options.workers,
    storage: options.storage,
    workDir: options.workDir,
    onBegin: options.onBegin,
    maxUnitS: options.maxDeadlineS,
    maxPartS: options.maxPartS,
    partsAhead: options.workers.stats().workers + 1,
  });
  const entries = new Map<string, TaskEntry>();
  for (const loaded of BUILT_IN) {
    const { task } = loaded;
    const entry: TaskEntry = {
      task,
      input: createInputParser(task.input),
      queueSize: task.queueSize ?? options.queueSize,
      concurrency: task.concurrency ?? options.concurrency,
      deadlineS: task.deadlineS ?? options.deadlineS,
    };
    entries.set(task.name, entry);
    // A split task's parts share the workers by the pool's own schedule, so that short jobs pass long ones.
    const { queueSize, concurrency } = entry;
    const retry = createRetry(task);
    options.queue.work(task.name, { queueSize, concurrency, eager: 'plan' in task, handler: runner(loaded), retry });
  }

  function submit({ entry, slot, ...job }: Submission): Job {
    return options.queue.submit({ id: options.newId(), task: entry.task.name, ...job }, slot);
  }

  return {
    find: (name) => entries.get(name),
    list: () => [...entries.values()],
    reserve: (entry, reserveOptions) => options.queue.reserve(entry.task.name, reserveOptions),
    submit,
  };
}

/** Refuses content that is surely something else than the task works on; what cannot be told is left to the task. */
export function checkMediaType(entry: TaskEntry, mediaType: string): void {
  const { accepts, name } = entry.task;
  const cannotBeTold = mediaType === 'application/octet-stream' || mediaType.startsWith('text/');
  if (!accepts || cannotBeTold || accepts.includes(mediaType)) return;
  throw new AppError('unsupported_media_type', `${name} works on ${accepts.join(', ')}; this is ${mediaType}`);
}
