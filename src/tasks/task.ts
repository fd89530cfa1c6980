import type { ZodType, z } from 'zod';
import type { Log } from '../core/log.ts';
import type { Bitmap, EncodeOptions, RasterEngine } from '../raster/raster.ts';
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
  /** Opens a document, or gives the one that is still open from the last part; the thread closes it. */
  readonly open: RasterEngine['open'];
  readonly encode: (bitmap: Bitmap, options: EncodeOptions) => Promise<Uint8Array>;
  readonly maxPages: number;
  readonly maxPixels: number;
}

/** A file that the task wrote into `outDir` and that belongs to the job's results, under the key `<job>/<key>`. */
export interface Output {
  readonly file: string;
  readonly key: string;
  readonly mediaType: string;
  /** Hexadecimal; becomes the ETag. */
  readonly sha256: string;
}

export interface PartResult<Done> {
  readonly value: Done;
  readonly outputs: readonly Output[];
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
  /** Further runs after one that failed for a reason that may pass (a crash, a bug, an engine that is down); default 0. */
  readonly retries?: number;
  /**
   * Set: the same bytes and input always give the same result, so equal calls share one job and later ones get the kept
   * result. Change it when the results change.
   */
  readonly version?: string;
}

/** A task that is one call in one worker. */
export interface SingleTask<Schema extends ZodType = ZodType> extends TaskBase<Schema> {
  run(input: z.output<Schema>, context: TaskContext): unknown;
}

/**
 * A task whose work falls into parts that any worker can do, in any order: `plan` names the parts, `part` does one and
 * its result is announced at once, `combine` makes the job's result of them, in the plan's order. In results, `url`
 * members without a scheme are relative to the job.
 */
export interface SplitTask<Schema extends ZodType = ZodType, Part = unknown, Done = unknown> extends TaskBase<Schema> {
  plan(input: z.output<Schema>, context: TaskContext): Promise<readonly Part[]>;
  part(input: z.output<Schema>, part: Part, context: TaskContext): Promise<PartResult<Done>>;
  combine(results: readonly Done[]): unknown;
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
