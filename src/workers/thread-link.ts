import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { systemCode } from '../core/errors.ts';
import type { Link, LinkEvents, LinkOptions } from './link.ts';
import type { Crash, FromWorker, ToWorker, Unit } from './protocol.ts';
import { toWireError } from './wire-error.ts';

/** V8 reserves 512 MiB of address space for code by default, and RLIMIT_DATA counts all of it. */
const CODE_RANGE_MIB = 64;
/** The compiled package runs thread.js. */
const ENTRY = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);

interface Running {
  readonly unitId: number;
  readonly unit: Unit;
  graceTimer?: NodeJS.Timeout;
}

/** Runs units in a thread of this process; a thread that does not leave its unit in time is ended and replaced. */
export function startThread(options: LinkOptions, events: LinkEvents): Link {
  return new ThreadLink(options, events);
}

class ThreadLink implements Link {
  readonly pid = undefined;
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #thread: Worker;
  #running: Running | undefined;
  /** The unit that its thread is being ended for. */
  #stopping: number | undefined;
  #isKilled = false;
  #compiled: object | undefined;
  /** See `native` in FromWorker. */
  #isNative = false;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#thread = this.#start();
  }

  send(message: ToWorker): void {
    if (message.type === 'run') {
      this.#thread.postMessage(message);
      this.#running = { unitId: message.unitId, unit: message.unit };
      return;
    }
    if (message.type === 'taken') {
      this.#thread.postMessage(message);
      return;
    }
    const running = this.#running;
    if (running?.unitId !== message.unitId || running.graceTimer !== undefined) return;
    this.#thread.postMessage(message);
    running.graceTimer = setTimeout(() => this.#stop(running), message.graceMs);
  }

  kill(): void {
    this.#isKilled = true;
    void this.#thread.terminate();
  }

  #start(): Worker {
    const { settings, memoryBytes } = this.#options;
    const heapMib = Math.floor(((memoryBytes / 2 ** 20) * 3) / 4);
    const resourceLimits = { codeRangeSizeMb: CODE_RANGE_MIB, maxOldGenerationSizeMb: heapMib };
    const thread = new Worker(ENTRY, {
      workerData: { ...settings, compiled: this.#compiled },
      resourceLimits,
      execArgv: [],
    });
    let thrown: unknown;
    thread.on('message', (message: FromWorker) => this.#onMessage(message));
    thread.once('error', (error) => {
      thrown = error;
    });
    thread.once('exit', (code) => this.#onExit(code, thrown));
    return thread;
  }

  #stop(running: Running): void {
    this.#stopping = running.unitId;
    // Its end would wait for the native call, and leave its memory behind.
    if (this.#isNative) this.#events.onExit(STOPPED);
    else void this.#thread.terminate();
  }

  #onMessage(message: FromWorker): void {
    if (message.type === 'compiled') {
      this.#compiled = message.compiled;
      return;
    }
    if (message.type === 'native') {
      this.#isNative = message.isLoaded;
      return;
    }
    if (this.#stopping !== undefined) return;
    if (message.type === 'done' || message.type === 'failed') this.#endRunning();
    this.#events.onMessage(message);
  }

  #onExit(code: number, thrown: unknown): void {
    const unit = this.#running?.unit;
    this.#endRunning();
    if (this.#stopping === undefined || this.#isKilled) {
      this.#events.onExit(this.#isKilled ? KILLED : toCrash(code, thrown, unit));
      return;
    }
    const unitId = this.#stopping;
    this.#stopping = undefined;
    this.#thread = this.#start();
    this.#events.onMessage({ type: 'stopped', unitId });
  }

  #endRunning(): void {
    clearTimeout(this.#running?.graceTimer);
    this.#running = undefined;
  }
}

const STOPPED: Crash = { reason: 'ended with its unit', isKilled: true, isWanted: true, error: undefined };
const KILLED: Crash = { reason: 'killed', isKilled: true, error: undefined };

function toCrash(code: number, thrown: unknown, unit: Unit | undefined): Crash {
  if (thrown === undefined) return { reason: `process.exit(${code})`, error: undefined };
  if (systemCode(thrown) === 'ERR_WORKER_OUT_OF_MEMORY') return { reason: 'out of memory', error: undefined };
  return { reason: String(thrown).slice(0, 1000), error: unit && toWireError(thrown, unit.task) };
}
