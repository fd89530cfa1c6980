import { AppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Output } from '../tasks/task.ts';
import { startProcess } from './process-link.ts';
import type { Crash, Unit, WireError, WorkerSettings } from './protocol.ts';
import { chooseWorker, type Rank, Schedule, type Taken } from './schedule.ts';
import { Seat, type SeatOptions } from './seat.ts';
import { startThread } from './thread-link.ts';
import { crashError, fromWireError } from './wire-error.ts';
import type { Outcome, PoolWorker } from './worker.ts';

export { asItemSource } from './items.ts';
export type { Unit, UnitFile, UnitKind, WorkerSettings } from './protocol.ts';
export { encodeResult } from './result-json.ts';
export { installSelfImport } from './self-import.ts';
export { checkResult } from './task-call.ts';
export { createResultFiles, openFiles } from './task-files.ts';
export { fromWireError, toWireError } from './wire-error.ts';

export interface WorkersOptions {
  /** Units at work at once: one host process with one thread each. */
  readonly workers: number;
  /** `thread`: the same threads inside this process; cheaper, but a crash of native code then takes the server with it. */
  readonly isolation: 'process' | 'thread';
  readonly settings: WorkerSettings;
  /** Bytes a host may allocate (RLIMIT_DATA) before its allocations fail; counts with isolation `process` only. */
  readonly memoryBytes: number;
  /** A worker is replaced by a fresh one once it has worked for so long; its memory creeps. */
  readonly recycleAfterMs: number;
  readonly log: Log;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Of the job: its first unit's counts. */
  readonly rank?: Rank;
  /**
   * The unit has left the pool and a worker begins with it, as soon as the promise is fulfilled if one is returned; called
   * again when a dead worker's unit is retried.
   */
  readonly onStart?: () => Promise<void> | undefined;
  /** Called at most about four times a second; fraction 0 to 1. Not called any more once the promise has settled. */
  readonly onProgress?: (fraction: number, message: string | undefined) => void;
  /** A file in the unit's `outDir` that belongs to the results. */
  readonly onOutput?: (output: Output) => void;
  /**
   * The unit is a generator: called before its first item, gives what takes each of them, as JSON. The generator waits while
   * too few have been taken; an error of it stops the unit. Such a unit does not run again when its worker dies.
   */
  readonly onStream?: () => (json: string) => Promise<void>;
  /** The unit is off the CPU and will not run again: before the promise settles, or a little after where the signal has aborted. */
  readonly onFree?: () => void;
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
  return new Pool(options);
}

/** Of `memoryBytes`: a worker above it is replaced between two units, before its allocations fail. */
const RECYCLE_SHARE = 0.75;

const MAX_CRASHED = 1000;

interface Entry {
  readonly unit: Unit;
  readonly unitId: number;
  readonly options: RunOptions;
  readonly result: PromiseWithResolvers<unknown>;
  isSettled: boolean;
  isRetry: boolean;
  /** Takes the items of a generator. */
  take: ((json: string) => Promise<void>) | undefined;
  worker: PoolWorker | undefined;
}

class Pool implements Workers {
  readonly #log: Log;
  readonly #seats: readonly Seat[];
  readonly #schedule = new Schedule<Entry>(performance.now.bind(performance));
  readonly #entries = new Set<Entry>();
  /** Jobs one of whose units has ended its worker, the latest of them. */
  readonly #crashed = new Set<string>();
  readonly #drained = Promise.withResolvers<void>();
  #lastUnitId = 0;
  #isClosing = false;

  constructor({ workers, isolation, settings, memoryBytes, recycleAfterMs, log }: WorkersOptions) {
    this.#log = log;
    const isOwnProcess = isolation === 'process';
    const link = { settings: isOwnProcess ? settings : { ...settings, pdfium: 'wasm' as const }, memoryBytes };
    const seat: SeatOptions = {
      startLink: (events) => (isOwnProcess ? startProcess(link, events, log) : startThread(link, events)),
      recycleAfterMs,
      recycleAboveBytes: memoryBytes * RECYCLE_SHARE,
      log,
      onChange: () => this.#pump(),
    };
    this.#seats = Array.from({ length: workers }, () => new Seat(seat));
  }

  async run(unit: Unit, options: RunOptions): Promise<unknown> {
    options.signal.throwIfAborted();
    if (this.#isClosing) throw draining();
    if (this.#isUnavailable()) throw unavailable();
    this.#lastUnitId += 1;
    const result = Promise.withResolvers<unknown>();
    const base = { unit, options, result, unitId: this.#lastUnitId };
    const entry: Entry = { ...base, isSettled: false, isRetry: false, take: undefined, worker: undefined };
    const onAbort = () => this.#drop(entry, options.signal.reason);
    options.signal.addEventListener('abort', onAbort, { once: true });
    this.#entries.add(entry);
    this.#schedule.add(unit.jobId, entry, options.rank);
    this.#pump();
    try {
      return await result.promise;
    } finally {
      options.signal.removeEventListener('abort', onAbort);
    }
  }

  stats(): WorkersStats {
    return {
      workers: this.#seats.length,
      idle: this.#seats.filter(({ idle }) => idle !== undefined).length,
      busy: this.#seats.filter(({ isBusy }) => isBusy).length,
      restarts: this.#seats.reduce((sum, { restarts }) => sum + restarts, 0),
      queued: this.#schedule.size,
      pids: this.#seats.flatMap(({ pids }) => pids),
    };
  }

  async close(signal?: AbortSignal): Promise<void> {
    this.#isClosing = true;
    if (this.#entries.size === 0) this.#drained.resolve();
    const giveUp = () => this.#drained.resolve();
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal === undefined || signal.aborted) giveUp();
    await this.#drained.promise;
    signal?.removeEventListener('abort', giveUp);
    for (const entry of this.#entries) this.#drop(entry, draining());
    await Promise.all(this.#seats.map((seat) => seat.close()));
  }

  /** Gives the units whose turn it is to the workers that are idle. */
  #pump(): void {
    if (this.#isUnavailable()) this.#dropWaiting();
    for (;;) {
      const idle = this.#seats.flatMap((seat) => seat.idle ?? []);
      const taken = idle.length > 0 ? this.#schedule.take() : undefined;
      if (taken === undefined) return;
      const worker = chooseWorker(idle, taken.jobId, (jobId) => this.#schedule.isLive(jobId));
      if (worker !== undefined) this.#assign(worker, taken);
    }
  }

  #assign(worker: PoolWorker, { item: entry, finish }: Taken<Entry>): void {
    entry.worker = worker;
    const { unitId, options } = entry;
    const ready = options.onStart?.();
    worker.assign({
      unitId,
      ready,
      unit: this.#dress(entry),
      onProgress: (fraction, message) => {
        if (!entry.isSettled) options.onProgress?.(fraction, message);
      },
      onOutput: (output) => {
        if (!entry.isSettled) options.onOutput?.(output);
      },
      onStream: () => {
        entry.take = options.onStream?.();
      },
      onItem: (json) => this.#take(entry, json),
      onEnd: (outcome) => {
        entry.worker = undefined;
        finish();
        if (entry.isSettled) options.onFree?.();
        else this.#onEnd(entry, outcome);
      },
    });
  }

  #dress({ unit, isRetry }: Entry): Unit {
    const isCareful = this.#crashed.has(unit.jobId);
    const attempt = isRetry ? unit.attempt + 1 : unit.attempt;
    return { ...unit, attempt, isCareful };
  }

  async #take(entry: Entry, json: string): Promise<void> {
    try {
      if (!entry.isSettled) await entry.take?.(json);
    } catch (error) {
      this.#drop(entry, error);
    }
  }

  #onEnd(entry: Entry, outcome: Outcome): void {
    switch (outcome.type) {
      case 'done':
        this.#settle(entry, () => entry.result.resolve(JSON.parse(outcome.json)));
        break;
      case 'failed':
        this.#drop(entry, this.#toError(entry.unit, outcome.error));
        break;
      case 'stopped':
        this.#drop(entry, new AppError('cancelled', 'the job was stopped'));
        break;
      case 'crashed':
        this.#retryOnce(entry, outcome.crash);
        break;
      default:
        outcome satisfies never;
    }
  }

  #retryOnce(entry: Entry, { reason, error }: Crash): void {
    const { unit, isRetry } = entry;
    this.#crashed.add(unit.jobId);
    for (const jobId of this.#crashed) if (this.#crashed.size > MAX_CRASHED) this.#crashed.delete(jobId);
    if (isRetry || entry.take) {
      this.#drop(entry, error ? this.#toError(unit, error) : crashError(unit, reason, isRetry));
      return;
    }
    this.#log.warn({ task: unit.task, job_id: unit.jobId, reason }, 'its worker died; the unit runs once more');
    entry.isRetry = true;
    this.#schedule.putBack(unit.jobId, entry);
  }

  /** Rejects it now; its worker counts as busy until the unit is off the CPU. */
  #drop(entry: Entry, reason: unknown): void {
    this.#settle(entry, () => entry.result.reject(reason));
    this.#schedule.remove(entry.unit.jobId, entry);
    entry.worker?.abort();
  }

  #settle(entry: Entry, settle: () => void): void {
    if (entry.isSettled) return;
    entry.isSettled = true;
    if (entry.worker === undefined) entry.options.onFree?.();
    settle();
    this.#entries.delete(entry);
    if (this.#isClosing && this.#entries.size === 0) this.#drained.resolve();
  }

  #toError({ task, jobId }: Unit, error: WireError): AppError {
    if (error.code === undefined) this.#log.warn({ task, job_id: jobId, stack: error.stack }, error.message);
    return fromWireError(error);
  }

  #isUnavailable(): boolean {
    return this.#seats.every((seat) => seat.isUnavailable);
  }

  #dropWaiting(): void {
    for (const entry of this.#entries) if (entry.worker === undefined) this.#drop(entry, unavailable());
  }
}

const draining = () =>
  new AppError('draining', 'the server is shutting down: send it again in a moment', { retryAfterS: 5 });

const unavailable = () =>
  new AppError('engine_unavailable', 'no worker can be started; the log of the server says why', { retryAfterS: 10 });
