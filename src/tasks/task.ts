import type { ZodType, z } from 'zod';
import type { Log } from '../core/log.ts';
import type { RasterEngine } from '../raster/raster.ts';
import type { UnitFile } from '../workers/protocol.ts';

/** What a task's function gets beside its input. Everything in it belongs to one unit of one attempt. */
export interface TaskContext {
  readonly jobId: string;
  /** 1 for the first run; a retry after a crash sees 2. */
  readonly attempt: number;
  /** Aborts on deadline, cancel and lost client. A task that ignores it is ended a moment later, thread and all. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** The uploaded files, already stored and readable at `path`. */
  readonly files: readonly UnitFile[];
  /** A folder of this job alone, for output files and scratch. */
  readonly outDir: string;
  /** Tells whoever watches the job how far it is, 0 to 1; never goes back. */
  readonly progress: (fraction: number, message?: string) => void;
  readonly raster: RasterTools;
}

/** The configured raster engine and its caps, for tasks that draw documents. */
export interface RasterTools {
  readonly engine: RasterEngine;
  readonly maxPages: number;
  readonly maxPixels: number;
}

interface TaskBase<Schema extends ZodType> {
  /** Lower-case letters, digits, `_`; becomes `POST /{name}` and `POST /v1/tasks/{name}`. */
  readonly name: string;
  readonly description?: string;
  readonly input: Schema;
  /** Media types of the one file the task works on, checked against the content; absent: the task takes no file. */
  readonly accepts?: readonly string[];
  /** Jobs that may wait beyond the running ones; default: the `queue-size` setting. */
  readonly queueSize?: number;
  /** Jobs at work at once; default: the number of workers. */
  readonly concurrency?: number;
  /** Seconds; default: the `deadline` setting. */
  readonly deadlineS?: number;
}

/** A task that is one call in one worker. */
export interface SingleTask<Schema extends ZodType = ZodType> extends TaskBase<Schema> {
  readonly run: (input: z.output<Schema>, context: TaskContext) => unknown;
}

/**
 * A task whose work falls into parts that any worker can do, in any order: `plan` names the parts, `part` does one and
 * its result is announced at once, `combine` makes the job's result of them, in the plan's order.
 */
export interface SplitTask<Schema extends ZodType = ZodType, Part = unknown, Done = unknown> extends TaskBase<Schema> {
  readonly plan: (input: z.output<Schema>, context: TaskContext) => Promise<readonly Part[]>;
  readonly part: (input: z.output<Schema>, part: Part, context: TaskContext) => Promise<Done>;
  readonly combine: (results: readonly Done[], jobId: string) => unknown;
}

export type Task = SingleTask | SplitTask;

/** Declares a task; the default export of a task's module. Returns its argument, typed. */
export function defineTask<Schema extends ZodType>(task: SingleTask<Schema>): SingleTask<Schema>;
export function defineTask<Schema extends ZodType, Part, Done>(
  task: SplitTask<Schema, Part, Done>,
): SplitTask<Schema, Part, Done>;
export function defineTask(task: unknown): unknown {
  return task;
}
