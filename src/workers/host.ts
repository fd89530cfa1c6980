import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { systemCode } from '../core/errors.ts';
import { NICENESS, type ToWorker } from './protocol.ts';
import { startThread } from './thread-link.ts';
import { toWireError } from './wire-error.ts';

/** The host process's entry: one thread, and the pool's messages passed on to it and back. */
function main(): void {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('host.ts is started by the worker pool, never by itself');
  beNice();
  const options = JSON.parse(process.argv[2] ?? '');
  let aborted: number | undefined;
  const link = startThread(options, {
    onMessage: (message) => {
      const isEnd = message.type === 'done' || message.type === 'failed' || message.type === 'stopped';
      // What the unit has started would go on.
      if (isEnd && message.unitId === aborted && hasChildren()) endNow();
      send(isEnd ? { ...message, rssBytes: process.memoryUsage.rss() } : message);
    },
    // A thread that died by itself leaves a process in an unknown state: the pool starts another one.
    onExit: (crash) => send({ type: 'crashed', crash }, endNow),
  });
  process.on('message', (message: ToWorker) => {
    if (message.type === 'abort') aborted = message.unitId;
    try {
      link.send(message);
    } catch (error) {
      // What cannot be cloned is the unit's own fault.
      if (message.type !== 'run') throw error;
      send({ type: 'failed', unitId: message.unitId, error: toWireError(error, message.unit.task) });
    }
  });
  // The pool is gone, maybe by kill -9. exit() would wait for a thread that sits in native code.
  process.on('disconnect', endNow);
  // Ctrl-C and service managers signal every process of the service; the pool decides when its hosts end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
}

/**
 * On Linux niceness is a thread's own. V8's helpers compile and collect for the task, so they give way like its thread;
 * this one only passes messages on, and has to end the task's thread in time while every core is busy.
 */
function beNice(): void {
  if (process.platform !== 'linux') return;
  for (const id of readdirSync('/proc/self/task').map(Number)) if (id !== process.pid) setPriority(id, NICENESS);
}

function hasChildren(): boolean {
  if (process.platform !== 'linux') return false;
  return readdirSync('/proc/self/task').some((id) => childrenOf(id) !== '');
}

/** Empty where the thread is gone, or the kernel does not tell. */
function childrenOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/children`, 'latin1');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return '';
    throw error;
  }
}

/** With its process group, which the pool has made for it. */
function endNow(): void {
  process.kill(-process.pid, 'SIGKILL');
}

main();
