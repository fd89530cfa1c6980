import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { createLineSplitter } from './host-output.ts';
import type { Link, LinkEvents, LinkOptions } from './link.ts';
import type { Crash, FromWorker, ToWorker } from './protocol.ts';

/** Data address space of a host that does nothing: V8 reserves most of it for code and never touches it. */
const EMPTY_HOST_BYTES = 640 * 2 ** 20;
/**
 * RLIMIT_DATA bounds heap, ArrayBuffers, canvas and wasm alike; RLIMIT_AS would break V8. A lower hard limit stays in force.
 * The canvas's allocator would take a whole GiB of it at its first allocation.
 */
const SCRIPT = 'ulimit -d "$1" 2>/dev/null; shift; export MIMALLOC_ARENA_EAGER_COMMIT=0; exec "$@"';
/**
 * What V8 made of a host's modules, for the next one: half of the CPU time of a thread's start. Beside the modules, since whoever
 * can write there could as well change them; where nobody can, there is none.
 */
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/penstock/', import.meta.url));
/** The compiled package runs host.js. */
const ENTRY = fileURLToPath(new URL(`./host${extname(import.meta.url)}`, import.meta.url));

/** Runs units in a thread of a host process of its own, and ends with it whatever its tasks have started. */
export function startProcess(options: LinkOptions, events: LinkEvents, log: Log): Link {
  const limitKib = Math.ceil((options.memoryBytes + EMPTY_HOST_BYTES) / 1024);
  const host = [process.execPath, ENTRY, JSON.stringify(options)];
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', String(limitKib), ...host], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // The leader of a process group: the children of its tasks are in it, unless they leave it on purpose.
    detached: true,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...withoutSettings(process.env) },
    serialization: 'advanced',
  });
  relayOutput(child, log.child({ pid: child.pid }));
  watch(child, events);
  return {
    pid: child.pid,
    send: (message: ToWorker) => {
      // An error here means that the host is gone, and its exit tells so.
      if (child.connected) child.send(message, () => undefined);
    },
    kill: () => {
      // A number whose process is gone may be another's by now.
      if (child.exitCode === null && child.signalCode === null) killGroup(child);
    },
  };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Nothing of it is left.
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

/** The server's settings hold its keys and secrets, which are no task's business. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PENSTOCK_')));
}

/** Tells of the end when the process is gone and everything it sent has been read. */
function watch(child: ChildProcess, events: LinkEvents): void {
  let crash: Crash | undefined;
  let isTold = false;
  const tell = (found: Crash) => {
    if (!isTold) events.onExit(crash ?? found);
    isTold = true;
  };
  child.on('message', (message) => {
    const fromWorker = message as FromWorker;
    if (fromWorker.type === 'crashed') crash = fromWorker.crash;
    else events.onMessage(fromWorker);
  });
  child.on('error', (error) => {
    if (child.pid === undefined) tell({ reason: `it cannot be started: ${error.message}`, error: undefined });
  });
  child.once('exit', (code, signal) => {
    killGroup(child);
    const reason = signal ? `killed by ${signal}` : `exit code ${code}`;
    const found = { reason, isKilled: signal === 'SIGKILL', error: undefined };
    if (child.connected) child.once('disconnect', () => tell(found));
    else tell(found);
  });
}

function relayOutput(child: ChildProcess, log: Log): void {
  for (const stream of [child.stdout, child.stderr]) {
    const lines = createLineSplitter((line) => log.warn(line), performance.now.bind(performance));
    stream?.on('data', lines.push).once('close', lines.end);
  }
}
