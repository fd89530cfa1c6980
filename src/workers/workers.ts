import { AppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Unit, WorkerSettings } from './protocol.ts';

export type { Unit, UnitFile, UnitKind, WorkerSettings } from './protocol.ts';

export interface WorkersOptions {
  /** Units at work at once: one host process with one thread each. */
  readonly workers: number;
  /** `thread`: the same threads inside this process; cheaper, but a crash of native code then takes the server with it. */
  readonly isolation: 'process' | 'thread';
  readonly settings: WorkerSettings;
  /** Bytes a host may allocate (RLIMIT_DATA) before its allocations fail; counts with isolation `process` only. */
  readonly memoryBytes: number;
  /** A worker is replaced by a fresh one after so many units; its memory creeps. */
  readonly recycleAfterUnits: number;
  readonly log: Log;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** The unit has left the pool and a worker begins with it; called again when a dead worker's unit is retried. */
  readonly onStart?: () => void;
  /** Called at most about four times a second; fraction 0 to 1. Not called any more once the promise has settled. */
  readonly onProgress?: (fraction: number, message: string | undefined) => void;
}

export interface WorkersStats {
  readonly workers: number;
  readonly idle: number;
  /** Includes workers whose unit was aborted and is not off the CPU yet. */
  readonly busy: number;
  /** Hosts that died and were replaced since the start; recycling is not counted. */
  readonly restarts: number;
  /** Units that wait in the pool. */
  readonly queued: number;
  /** Of the host processes that are alive; empty with isolation `thread`. */
  readonly pids: readonly number[];
}

/** The pool: whoever calls `run` gets what the task's function returned, or an AppError, from whichever worker is next. */
export interface Workers {
  /**
   * Runs one unit; its jobId is what fairness goes by. Units wait inside, unbounded: a caller submits a few of one job at a time.
   * Rejects with the signal's reason at once when it aborts; the work itself is off the CPU within a second.
   * Errors: whatever AppError the task threw, `internal` (it threw something else), `worker_crashed` (its worker died twice),
   * `engine_unavailable` (no worker can be started), `draining` (after close).
   */
  run(unit: Unit, options: RunOptions): Promise<unknown>;
  stats(): WorkersStats;
  /** Refuses new units and lets those inside finish until `signal` aborts (absent: at once); resolves when every host is gone. */
  close(signal?: AbortSignal): Promise<void>;
}

/** Starts the workers and returns at once; a unit waits until one is ready. */
export function createWorkers(options: WorkersOptions): Workers {
  throw new AppError(
    'internal',
    `${options.workers} workers with isolation ${options.isolation} cannot be started yet`,
  );
}
