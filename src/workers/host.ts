import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { NICENESS } from './protocol.ts';
import { startThread } from './thread-link.ts';

/** The host process's entry: one thread, and the pool's messages passed on to it and back. */
function main(): void {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('host.ts is started by the worker pool, never by itself');
  beNice();
  const options = JSON.parse(process.argv[2] ?? '');
  const link = startThread(options, {
    onMessage: (message) => {
      const isEnd = message.type === 'done' || message.type === 'failed' || message.type === 'stopped';
      send(isEnd ? { ...message, rssBytes: process.memoryUsage.rss() } : message);
    },
    // A thread that died by itself leaves a process in an unknown state: the pool starts another one.
    onExit: (crash) => send({ type: 'crashed', crash }, endNow),
  });
  process.on('message', link.send.bind(link));
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

function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}

main();
