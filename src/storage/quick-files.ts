import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { toAppError } from '../core/errors.ts';
import type { QuickFile, QuickOutcome } from './quick-thread.ts';

/** The compiled package runs quick-thread.js. */
const ENTRY = new URL(`./quick-thread${extname(import.meta.url)}`, import.meta.url);

export interface QuickFiles {
  /** Writes a small file that need not be durable, and gives it its name. Rejects only when the thread died. */
  write(file: QuickFile): Promise<QuickOutcome>;
  /** Ends the thread, once nothing is being written; a later write starts another. */
  close(): Promise<void>;
}

/**
 * Each call of node:fs/promises wakes a thread and is told of by an event: four of them for one record of a job cost the event
 * loop more than all else of it. Here the steps of one file are one message, and files that come while others are being
 * written go together (group commit, as in dir-sync.ts).
 */
export function createQuickFiles(): QuickFiles {
  let thread: Worker | undefined;
  let writing: Entry[] = [];
  let waiting: Entry[] = [];

  function start(): Worker {
    const worker = new Worker(ENTRY, { name: 'quick-files', execArgv: [] });
    let cause: unknown;
    worker.on('message', (outcomes: readonly QuickOutcome[]) => {
      for (const [index, { error, facts, ...outcome }] of outcomes.entries())
        writing[index]?.promise.resolve(error ? { ...outcome, error: Object.assign(error, facts) } : outcome);
      next();
    });
    worker.on('error', (error) => (cause = error));
    worker.on('exit', () => {
      thread = undefined;
      for (const { promise } of writing) promise.reject(toAppError(cause));
      next();
    });
    return worker;
  }

  /** The thread keeps the process alive only while someone waits for it. */
  function next(): void {
    [writing, waiting] = [waiting, []];
    if (writing.length === 0) {
      thread?.unref();
      return;
    }
    try {
      thread ??= start();
      thread.ref();
      thread.postMessage(writing.map(({ file }) => file));
    } catch (error) {
      // No thread to be had now (EAGAIN): those who come next try again.
      for (const { promise } of writing.splice(0)) promise.reject(toAppError(error));
      if (waiting.length > 0) next();
    }
  }

  return {
    write(file) {
      const promise = Promise.withResolvers<QuickOutcome>();
      waiting.push({ file, promise });
      if (writing.length === 0) next();
      return promise.promise;
    },
    async close() {
      await Promise.allSettled([...writing, ...waiting].map(({ promise }) => promise.promise));
      await thread?.terminate();
    },
  };
}

interface Entry {
  readonly file: QuickFile;
  readonly promise: PromiseWithResolvers<QuickOutcome>;
}
