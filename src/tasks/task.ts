import type { Readable } from 'node:stream';
import type { JobJson } from '../api.ts';
import type { Log } from '../core/log.ts';
import type { OutputOf, StandardSchema } from '../core/standard-schema.ts';
import type { Bitmap, EncodeOptions, RasterEngine } from '../raster/raster.ts';

/** A file that came with a call, stored and checked. */
export interface TaskFile {
  readonly id: string;
  /** The sender's name for it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Told from the content. */
  readonly mediaType: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** To read from while the task runs. */
  readonly path: string;
  stream(): Readable;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

export type FileKind = 'file' | 'image' | 'audio' | 'video' | 'pdf';

/** One named place for files of a kind, checked by their content: anything else is 415. */
export interface FileSlot {
  readonly kind: FileKind;
  readonly description?: string;
  readonly optional?: boolean;
  /** Any number of files, in the order sent. */
  readonly many?: boolean;
  /** Lets content through whose type cannot be told, for a task that says itself what is wrong with it. */
  readonly mayBeDamaged?: boolean;
}

export type FileSlots = Readonly<Record<string, FileKind | FileSlot>>;

type FilesIn<Slot> = Slot extends { readonly many: true }
  ? readonly TaskFile[]
  : Slot extends { readonly optional: true }
    ? TaskFile | undefined
    : TaskFile;

export type FilesOf<Slots extends FileSlots> = { readonly [Name in keyof Slots]: FilesIn<Slots[Name]> };

/** A file among the results, as it stands in the result's JSON: `url` is relative to the job until it is sent. */
export interface ResultFile {
  readonly name: string;
  readonly media_type: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly url?: string;
  readonly base64?: string;
}

export interface ResultFileOptions {
  /** Default: told from the content, else from the name. */
  readonly mediaType?: string;
  /** link: stored with the job; base64: within the result, for small ones. Default link. */
  readonly as?: 'link' | 'base64';
}

/** What a function gets beside its input, wherever it runs. */
export interface CallContext<Slots extends FileSlots = FileSlots> {
  readonly jobId: string;
  /** Milliseconds since the epoch: when the call came. */
  readonly createdAt: number;
  /** Aborts on deadline, cancel and lost client. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** By the names that the task gave them. */
  readonly files: FilesOf<Slots>;
  /** A folder of this attempt, empty but for what a worker that died in it has left; gone after it. */
  readonly scratchDir: string;
  /** A folder that all tasks share, in every process, as long as the server runs: for flags and caches. */
  readonly sharedDir: string;
  /** Makes a file one of the results: put what it returns into the result. */
  readonly file: (
    name: string,
    content: Uint8Array | string | { readonly path: string },
    options?: ResultFileOptions,
  ) => Promise<ResultFile>;
}

/** Everything in it belongs to one run of one job. A task that ignores the signal is ended a moment later, thread and all. */
export interface TaskContext<Slots extends FileSlots = FileSlots> extends CallContext<Slots> {
  /** 1 for the first run; a retry after a crash sees 2. */
  readonly attempt: number;
  /** Tells whoever watches the job how far it is, 0 to 1; never goes back. */
  readonly progress: (fraction: number, message?: string) => void;
  readonly raster: RasterTools;
}

/** For endpoints that run in the server's own process: no worker, no queue, but a view of the jobs. */
export interface InlineContext<Slots extends FileSlots = FileSlots> extends CallContext<Slots> {
  readonly jobs: InlineJobs;
}

export interface JobOptions {
  /** Seconds; default: the task's. */
  readonly deadlineS?: number;
  readonly priority?: number;
  /** By the names that the task gives them. */
  readonly files?: Readonly<Record<string, TaskFile | readonly TaskFile[]>>;
}

/** Other tasks' jobs, made and looked at by an endpoint. Errors: those that the task's own call would be answered with. */
export interface InlineJobs {
  /** Makes a job and waits for its success; it ends with the call or its deadline. */
  run(task: string, input?: object, options?: JobOptions): Promise<JobJson>;
  /** Makes a job that goes on by itself, and survives the server. */
  submit(task: string, input?: object, options?: JobOptions): Promise<JobJson>;
  /** Errors: `not_found`, `gone`. */
  get(id: string): Promise<JobJson>;
  cancel(id: string): Promise<JobJson>;
}

/** The configured raster engine and its caps, for tasks that draw documents. */
export interface RasterTools {
  /** Opens a document, or gives the one that is still open from the last part; the thread closes it. */
  readonly open: RasterEngine['open'];
  readonly encode: (bitmap: Bitmap, options: EncodeOptions) => Promise<Uint8Array>;
  readonly maxPages: number;
  readonly maxPixels: number;
}

/** A file that the task wrote into `scratchDir` and that belongs to the job's results, under the key `<job>/<key>`. */
export interface Output {
  readonly file: string;
  readonly key: string;
  readonly mediaType: string;
  /** Hexadecimal; becomes the ETag. */
  readonly sha256: string;
  /** For whoever saves it; default: made from the key. */
  readonly name?: string;
}

export interface PartResult<Done> {
  readonly value: Done;
  readonly outputs: readonly Output[];
}

interface TaskBase<Schema extends StandardSchema, Slots extends FileSlots> {
  /** Lower-case letters, digits, `_`, first a letter; capitals are allowed. Becomes `POST /v1/tasks/{name}`. */
  readonly name: string;
  readonly description?: string;
  /** The short path; default `/{name}`. A segment `{member}` is a member of the input. */
  readonly path?: string;
  /** Of the short path; default POST. */
  readonly methods?: readonly ('GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE')[];
  /** zod 4, or any Standard Schema whose check is synchronous; default: no input. */
  readonly input?: Schema;
  /** Of what the function returns; what does not fit fails the job. */
  readonly result?: StandardSchema;
  /** The files that the task takes, by name. */
  readonly files?: Slots;
  /** Jobs that may wait beyond the running ones; with `queues: 'per-worker'` in each of them. Default: the `queue-size` setting. */
  readonly queueSize?: number;
  /** Jobs at work at once; default: the number of workers. */
  readonly concurrency?: number;
  /** Workers of its own, which no other task uses; several start with its first job. Default: the server's shared ones. */
  readonly workers?: number;
  /** One queue for all workers, or one for each, of which the least busy is chosen. Default shared. */
  readonly queues?: 'shared' | 'per-worker';
  /** Seconds that a caller waits unless it says otherwise; default: the `deadline` setting. */
  readonly deadlineS?: number;
  /** Seconds: the most that a caller may ask for, and that a run may take; default: the `max-deadline` setting. */
  readonly maxDeadlineS?: number;
  /** -10 to 10, higher goes first; a caller's `?priority=` wins. Default 0. */
  readonly priority?: number;
  /** Further runs after one that failed for a reason that may pass (a crash, a bug, an engine that is down); default 0. */
  readonly retries?: number;
  /**
   * Set: the same bytes and input always give the same result, so equal calls share one job and later ones get the kept
   * result. Change it when the results change.
   */
  readonly version?: string;
  /** sync: the result; async: 202 and the job; stream: each item of a generator as it comes. Default: stream for generators, else sync. */
  readonly answer?: 'sync' | 'async' | 'stream';
  /** The body of an `async` answer, then sent with 200, where it is not to be the job's JSON. */
  readonly reply?: (job: JobJson) => unknown;
}

/** A task that is one call in one worker: an async function, a plain one that computes, or a generator, whose items are streamed. */
export interface SingleTask<Schema extends StandardSchema = StandardSchema, Slots extends FileSlots = FileSlots>
  extends TaskBase<Schema, Slots> {
  readonly runs?: 'worker';
  run(input: OutputOf<Schema>, context: TaskContext<Slots>): unknown;
}

/** A cheap endpoint beside the tasks: called at once in the server's own process, which it blocks while it computes. */
export interface InlineTask<Schema extends StandardSchema = StandardSchema, Slots extends FileSlots = FileSlots>
  extends TaskBase<Schema, Slots> {
  readonly runs: 'inline';
  /** Whether calls count for the rate limit; default: all but GET. */
  readonly isRateLimited?: boolean;
  run(input: OutputOf<Schema>, context: InlineContext<Slots>): unknown;
}

/**
 * A task whose work falls into parts that any worker can do, in any order: `plan` names the parts, `part` does one and
 * its result is announced at once, `combine` makes the job's result of them, in the plan's order. In results, `url`
 * members without a scheme are relative to the job.
 */
export interface SplitTask<
  Schema extends StandardSchema = StandardSchema,
  Part = unknown,
  Done = unknown,
  Slots extends FileSlots = FileSlots,
> extends TaskBase<Schema, Slots> {
  readonly runs?: 'worker';
  plan(input: OutputOf<Schema>, context: TaskContext<Slots>): Promise<readonly Part[]>;
  part(input: OutputOf<Schema>, part: Part, context: TaskContext<Slots>): Promise<PartResult<Done>>;
  combine(results: readonly Done[]): unknown;
}

export type Task = SingleTask | InlineTask | SplitTask;

type NoInput = StandardSchema<unknown, Readonly<Record<string, never>>>;
type NoFiles = Readonly<Record<never, never>>;

/** Declares a task; the default export of a task's module. Returns its argument, typed. */
export function defineTask<Schema extends StandardSchema = NoInput, const Slots extends FileSlots = NoFiles>(
  task: InlineTask<Schema, Slots>,
): InlineTask<Schema, Slots>;
export function defineTask<Schema extends StandardSchema = NoInput, const Slots extends FileSlots = NoFiles>(
  task: SingleTask<Schema, Slots>,
): SingleTask<Schema, Slots>;
export function defineTask<
  Part,
  Done,
  Schema extends StandardSchema = NoInput,
  const Slots extends FileSlots = NoFiles,
>(task: SplitTask<Schema, Part, Done, Slots>): SplitTask<Schema, Part, Done, Slots>;
export function defineTask(task: unknown): unknown {
  return task;
}
