import type { Log } from '../core/log.ts';
import type { Output } from '../tasks/task.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Crash, FromWorker, Unit, WireError } from './protocol.ts';
import { toWireError } from './wire-error.ts';

/** How long a task may take to leave by its signal, before its thread is ended. */
const GRACE_MS = 100;
/** A host that has not confirmed the end of a unit by then is killed: the CPU is to be free within a second. */
const KILL_MS = 600;
const BOOT_LIMIT_MS = 30_000;

export type Outcome =
  | { readonly type: 'done'; readonly json: string }
  | { readonly type: 'failed'; readonly error: WireError }
  | { readonly type: 'stopped' }
  | { readonly type: 'crashed'; readonly crash: Crash };

export interface Assignment {
  readonly unitId: number;
  readonly unit: Unit;
  /** The unit is not sent before; undefined: at once. */
  readonly ready?: Promise<void> | undefined;
  readonly onProgress: (fraction: number, message: string | undefined) => void;
  readonly onOutput: (output: Output) => void;
  readonly onStream: () => void;
  /** The unit goes on to yield while few items have not been taken yet: each is `taken` when its promise is fulfilled. */
  readonly onItem: (json: string) => Promise<void>;
  /** Once, when the unit is off the CPU. */
  readonly onEnd: (outcome: Outcome) => void;
}

export interface WorkerOptions {
  readonly startLink: (events: LinkEvents) => Link;
  readonly log: Log;
  /** It can take a unit: after its start, and after each unit. */
  readonly onIdle: (worker: PoolWorker) => void;
  /** Its last call. */
  readonly onGone: (worker: PoolWorker, crash: Crash) => void;
}

/**
 * One worker from its start to its end.
 *
 *   starting --ready--> idle --assign--> busy --done, failed--> idle
 *      ^                                  | abort, and the thread had to be ended
 *      +----------------------------------+        any state --exit--> gone
 */
export class PoolWorker {
  readonly bornAt = performance.now();
  /** Units that it has ended. */
  units = 0;
  /** Milliseconds that it has worked. */
  busyMs = 0;
  /** Resident bytes of its host after the last unit; undefined: it has no host of its own. */
  rssBytes: number | undefined;
  lastJobId: string | undefined;
  #state: 'starting' | 'idle' | 'busy' | 'gone' = 'starting';
  #assignment: Assignment | undefined;
  #assignedAt = 0;
  /** The assignment, while it is not sent yet. */
  #held: Assignment | undefined;
  #isOverdue = false;
  #bootTimer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  readonly #link: Link;
  readonly #options: WorkerOptions;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#link = options.startLink({ onMessage: this.#onMessage.bind(this), onExit: this.#onExit.bind(this) });
    this.#watchBoot();
  }

  get state(): 'starting' | 'idle' | 'busy' | 'gone' {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#link.pid;
  }

  assign(assignment: Assignment): void {
    const { unit, ready } = assignment;
    this.#state = 'busy';
    this.#assignedAt = performance.now();
    this.#assignment = assignment;
    this.lastJobId = unit.jobId;
    if (ready) void this.#sendWhenReady(assignment, ready);
    else this.#send(assignment);
  }

  async #sendWhenReady(assignment: Assignment, ready: Promise<void>): Promise<void> {
    this.#held = assignment;
    try {
      await ready;
      if (this.#held === assignment) this.#send(assignment);
    } catch (error) {
      if (this.#held === assignment) this.#refuse(assignment.unit, error);
    }
  }

  #send({ unitId, unit }: Assignment): void {
    this.#held = undefined;
    try {
      this.#link.send({ type: 'run', unitId, unit });
    } catch (error) {
      // What cannot be cloned (DataCloneError) never left this process.
      this.#refuse(unit, error);
    }
  }

  #refuse(unit: Unit, error: unknown): void {
    queueMicrotask(() => this.#end('idle', { type: 'failed', error: toWireError(error, unit.task) }));
  }

  /** Takes the running unit off the CPU: asks it first, then ends its thread, then its host. */
  abort(): void {
    if (this.#assignment === undefined || this.#killTimer !== undefined) return;
    if (this.#held) {
      this.#end('idle', { type: 'stopped' });
      return;
    }
    this.#link.send({ type: 'abort', unitId: this.#assignment.unitId, graceMs: GRACE_MS });
    this.#killTimer = setTimeout(() => this.#link.kill(), KILL_MS);
  }

  /** Ends it whatever it does; onGone follows. */
  kill(): void {
    this.#link.kill();
  }

  #onMessage(message: FromWorker): void {
    if ('unitId' in message && message.unitId !== this.#assignment?.unitId) return;
    if ('rssBytes' in message) this.rssBytes = message.rssBytes;
    switch (message.type) {
      case 'ready':
        clearTimeout(this.#bootTimer);
        this.#becomeIdle();
        break;
      case 'compiled':
      case 'native':
        // Its link's business.
        break;
      case 'progress':
        this.#assignment?.onProgress(message.fraction, message.message);
        break;
      case 'output':
        this.#assignment?.onOutput(message.output);
        break;
      case 'stream':
        this.#assignment?.onStream();
        break;
      case 'items':
        void this.#passOn(message.unitId, message.items);
        break;
      case 'log':
        this.#options.log[message.level](message.fields, message.text);
        break;
      case 'done':
      case 'failed':
        this.#end('idle', message);
        break;
      case 'stopped':
        this.lastJobId = undefined;
        this.#watchBoot();
        this.#end('starting', message);
        break;
      case 'crashed':
        // The host's last words: its link hands them over with onExit.
        break;
      default:
        message satisfies never;
    }
  }

  async #passOn(unitId: number, items: readonly string[]): Promise<void> {
    const assignment = this.#assignment;
    await Promise.all(items.map((json) => assignment?.onItem(json)));
    if (this.#assignment?.unitId !== unitId) return;
    const bytes = items.reduce((sum, json) => sum + json.length, 0);
    this.#link.send({ type: 'taken', unitId, items: items.length, bytes });
  }

  #onExit(found: Crash): void {
    clearTimeout(this.#bootTimer);
    const crash = this.#isOverdue ? { reason: `it was not ready after ${BOOT_LIMIT_MS} ms`, error: undefined } : found;
    const isFirst = this.#state !== 'gone';
    this.#end('gone', { type: 'crashed', crash });
    if (isFirst) this.#options.onGone(this, crash);
  }

  #end(state: 'idle' | 'starting' | 'gone', outcome: Outcome): void {
    const assignment = this.#assignment;
    this.#assignment = undefined;
    this.#held = undefined;
    clearTimeout(this.#killTimer);
    this.#killTimer = undefined;
    this.#state = state;
    if (assignment) {
      this.units += 1;
      this.busyMs += performance.now() - this.#assignedAt;
    }
    assignment?.onEnd(outcome);
    if (state === 'idle') this.#becomeIdle();
  }

  #becomeIdle(): void {
    this.#state = 'idle';
    this.#options.onIdle(this);
  }

  #watchBoot(): void {
    this.#bootTimer = setTimeout(() => {
      this.#isOverdue = true;
      this.#link.kill();
    }, BOOT_LIMIT_MS);
  }
}
