import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import type { Log } from './core/log.ts';

/** An editor writes a file in several steps: one start for them all. */
const SETTLE_MS = 150;
/** Whoever develops does not wait for a drain. */
const DRAIN_MS = 2000;

export interface WatchOptions {
  /** Files and folders. */
  readonly paths: readonly string[];
  readonly log: Log;
}

/**
 * Runs the server in a process of its own and starts it over whenever something below the paths changes: a module once
 * loaded stays, with all that it imports, as long as its process. Resolves with the exit code when a signal ends it.
 */
export async function serveAndWatch({ paths, log }: WatchOptions): Promise<number> {
  const args = [...process.execArgv, ...process.argv.slice(1), '--no-watch'];
  const start = () => spawn(process.execPath, args, { stdio: 'inherit' });
  let server = start();
  let timer: NodeJS.Timeout | undefined;

  async function startOver(): Promise<void> {
    log.info('a task has changed: starting over');
    await end(server);
    server = start();
  }

  let starting = Promise.resolve();
  const failed = (error: unknown) => log.error({ err: error }, 'the server could not be started over');
  const onChange = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      starting = starting.then(startOver).catch(failed);
    }, SETTLE_MS);
  };
  const watchers: FSWatcher[] = paths.map((path) => watch(path, { recursive: true }, onChange));
  const asked = Promise.withResolvers<NodeJS.Signals>();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => asked.resolve(name));
  await asked.promise;
  clearTimeout(timer);
  for (const watcher of watchers) watcher.close();
  await starting;
  return await end(server);
}

/** Its exit code; null where a signal ended it becomes 1. */
async function end(server: ChildProcess): Promise<number> {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGTERM');
    const hurry = setTimeout(() => server.kill('SIGTERM'), DRAIN_MS);
    await once(server, 'exit');
    clearTimeout(hurry);
  }
  return server.exitCode ?? 1;
}
