import type { ErrorCode } from '../core/errors.ts';
import type { LogOptions } from '../core/log.ts';
import type { Output } from '../tasks/task.ts';

/**
 * The messages between the HTTP process, a host process and its thread: plain data, the same types on both borders.
 * A **unit** is one call of a task's function in a thread; a job is one unit, or a plan and many parts (see tasks/task.ts).
 *
 *   pool (HTTP process) --ToWorker--> host process --ToWorker--> thread
 *   pool (HTTP process) <-FromWorker- host process <-FromWorker- thread
 */
export type UnitKind = 'run' | 'plan' | 'part';

/** A stored file made readable for the worker. */
export interface UnitFile {
  readonly id: string;
  /** The task's name for it. */
  readonly field: string;
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly mediaType: string;
}

export interface Unit {
  /** Task name, and the file URL of the module whose default export is the task. */
  readonly task: string;
  readonly moduleUrl: string;
  readonly kind: UnitKind;
  readonly jobId: string;
  readonly attempt: number;
  /** One of its job's units has ended its worker: what can do that is not used. */
  readonly isCareful?: boolean;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The validated input, plain JSON. */
  readonly input: unknown;
  /** kind `part` only: one element of what `plan` returned. */
  readonly part?: unknown;
  readonly files: readonly UnitFile[];
  /** The folder of this job's attempt for its output files; whoever needs it first makes it. */
  readonly outDir: string;
}

/** What every thread is told once, when it starts. */
export interface WorkerSettings {
  readonly engine: string;
  /** `native`: as machine code where that is to be had, and the thread is its process's only one. */
  readonly pdfium: 'native' | 'wasm';
  readonly maxPages: number;
  readonly maxPixels: number;
  /** A folder that all tasks in all processes share. */
  readonly sharedDir: string;
  readonly log: LogOptions;
  /** From the thread before: see `compiled` in FromWorker. */
  readonly compiled?: object | undefined;
}

/** An error as plain data. */
export interface WireError {
  /** undefined: the task threw something that is not an AppError. */
  readonly code: ErrorCode | undefined;
  /** Public, bounded in length. */
  readonly message: string;
  readonly stack: string | undefined;
  readonly retryAfterS: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Why a worker ended although nobody asked it to. */
export interface Crash {
  /** `killed by SIGKILL`, `process.exit(3)`, `out of memory`. */
  readonly reason: string;
  /** SIGKILL: by a person, the kernel or the pool, so it says nothing about the worker itself. */
  readonly isKilled?: boolean;
  /** The pool wanted it: the unit it ran was to be taken off the CPU. */
  readonly isWanted?: boolean;
  /** Where it was an exception that nothing caught. */
  readonly error: WireError | undefined;
}

export type ToWorker =
  | { readonly type: 'run'; readonly unitId: number; readonly unit: Unit }
  /** The reader of a stream has taken so many items, of so many bytes together. */
  | { readonly type: 'taken'; readonly unitId: number; readonly items: number; readonly bytes: number }
  /** Asks the task by its signal, and ends the thread after the grace. */
  | { readonly type: 'abort'; readonly unitId: number; readonly graceMs: number };

/** The host adds its resident memory, in bytes, to what ends a unit. */
export type FromWorker =
  | { readonly type: 'ready' }
  /** Machine code (a WebAssembly.Module) for the thread that comes after; never leaves the host. */
  | { readonly type: 'compiled'; readonly compiled: object }
  /** A library is about to be loaded, or after all not, whose memory outlives the thread: its host is to end with it. */
  | { readonly type: 'native'; readonly isLoaded: boolean }
  | {
      readonly type: 'progress';
      readonly unitId: number;
      readonly fraction: number;
      readonly message: string | undefined;
    }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly text: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** A file that is to be stored with the job. */
  | { readonly type: 'output'; readonly unitId: number; readonly output: Output }
  /** The task's function is a generator: items follow, and `done` counts them. */
  | { readonly type: 'stream'; readonly unitId: number }
  | { readonly type: 'items'; readonly unitId: number; readonly items: readonly string[] }
  /** `json`: what the task's function returned; a string, since that crosses two borders at the price of a copy. */
  | { readonly type: 'done'; readonly unitId: number; readonly json: string; readonly rssBytes?: number }
  | { readonly type: 'failed'; readonly unitId: number; readonly error: WireError; readonly rssBytes?: number }
  /** The thread was ended together with the unit it would not leave; `ready` follows from a fresh one. */
  | { readonly type: 'stopped'; readonly unitId: number; readonly rssBytes?: number }
  /** The last message of a host whose thread died. */
  | { readonly type: 'crashed'; readonly crash: Crash };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Of the threads that do the work (nice(2)): the server answers at once while every core renders. */
export const NICENESS = 5;
