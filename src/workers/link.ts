import type { Crash, FromWorker, ToWorker, WorkerSettings } from './protocol.ts';

/** How to start one worker. */
export interface LinkOptions {
  readonly settings: WorkerSettings;
  readonly memoryBytes: number;
}

export interface LinkEvents {
  readonly onMessage: (message: FromWorker) => void;
  /** Once, and nothing after it: the worker and all its CPU time and memory are gone. */
  readonly onExit: (crash: Crash) => void;
}

/**
 * One worker as the pool sees it, wherever it runs. It says `ready`, then takes one unit at a time and ends it by `done`,
 * `failed` or `stopped`. Implementations: process-link.ts, thread-link.ts (suite: workers.test.ts runs on both).
 */
export interface Link {
  /** Of a host process of its own. */
  readonly pid: number | undefined;
  /** Throws on what cannot be cloned; does nothing once the worker is gone. */
  send(message: ToWorker): void;
  /** Ends it at once, whatever it is doing; onExit follows. */
  kill(): void;
}
