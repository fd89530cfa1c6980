import type { Log } from '../core/log.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Crash } from './protocol.ts';
import { PoolWorker } from './worker.ts';

/** A worker that dies without a unit and younger than this has trouble of its own. */
const QUICK_DEATH_MS = 2000;
/** After so many quick deaths in a row the seat is unavailable; it keeps trying, slowly. */
const MAX_QUICK_DEATHS = 5;
const FIRST_PAUSE_MS = 100;
const SLOW_PAUSE_MS = 5000;
/** An idle worker that holds more memory than a fresh one is replaced after this. */
const IDLE_MS = 10_000;
const IDLE_BYTES = 256 * 2 ** 20;

export interface SeatOptions {
  readonly startLink: (events: LinkEvents) => Link;
  readonly recycleAfterMs: number;
  /** Resident bytes above which a worker is replaced. */
  readonly recycleAboveBytes: number;
  readonly log: Log;
  /** The pool may act on it: a worker is idle, or cannot be had. */
  readonly onChange: () => void;
}

/**
 * One place in the pool. It has a worker, or is getting one; a worn worker goes on until its successor is ready, and is
 * relieved between two units.
 */
export class Seat {
  /** Workers that died here and were replaced. */
  restarts = 0;
  readonly #options: SeatOptions;
  readonly #alive = new Set<PoolWorker>();
  readonly #closed = Promise.withResolvers<void>();
  #current: PoolWorker | undefined;
  #successor: PoolWorker | undefined;
  #quickDeaths = 0;
  #pauseTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#startSuccessor();
  }

  /** The worker that sits here and can take a unit. */
  get idle(): PoolWorker | undefined {
    return this.#current?.state === 'idle' && !this.#isClosing ? this.#current : undefined;
  }

  get isBusy(): boolean {
    return this.#current?.state === 'busy';
  }

  /** No worker, and the last few died at their start. */
  get isUnavailable(): boolean {
    return this.#current === undefined && this.#quickDeaths >= MAX_QUICK_DEATHS;
  }

  get pids(): readonly number[] {
    return [...this.#alive].flatMap(({ pid }) => pid ?? []);
  }

  /** Ends the workers, whatever they do; resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#pauseTimer);
    clearTimeout(this.#idleTimer);
    for (const worker of this.#alive) worker.kill();
    if (this.#alive.size === 0) this.#closed.resolve();
    await this.#closed.promise;
  }

  #startSuccessor(): void {
    if (this.#successor !== undefined || this.#pauseTimer !== undefined || this.#isClosing) return;
    const { startLink, log } = this.#options;
    const onIdle = (worker: PoolWorker) => this.#onIdle(worker);
    const onGone = (worker: PoolWorker, crash: Crash) => this.#onGone(worker, crash);
    try {
      this.#successor = new PoolWorker({ startLink, log, onIdle, onGone });
      this.#alive.add(this.#successor);
    } catch (error) {
      log.error({ err: error }, 'a worker cannot be started');
      this.#pauseThenStart();
    }
  }

  #onIdle(worker: PoolWorker): void {
    if (worker === this.#current && worker.units > 0) {
      this.#quickDeaths = 0;
      this.#checkWear(worker);
    }
    if (this.#successor?.state === 'idle' && this.#current?.state !== 'busy') this.#relieve(this.#successor);
    this.#options.onChange();
  }

  #relieve(successor: PoolWorker): void {
    const worn = this.#current;
    clearTimeout(this.#idleTimer);
    this.#current = successor;
    this.#successor = undefined;
    worn?.kill();
  }

  #checkWear({ busyMs, rssBytes = 0 }: PoolWorker): void {
    const { recycleAfterMs, recycleAboveBytes } = this.#options;
    if (busyMs >= recycleAfterMs || rssBytes > recycleAboveBytes) this.#startSuccessor();
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#giveBackMemory(), IDLE_MS).unref();
  }

  #giveBackMemory(): void {
    const worker = this.idle;
    if (worker && worker.units > 0 && (worker.rssBytes ?? IDLE_BYTES) >= IDLE_BYTES) this.#startSuccessor();
  }

  #onGone(worker: PoolWorker, crash: Crash): void {
    this.#alive.delete(worker);
    if (this.#isClosing && this.#alive.size === 0) this.#closed.resolve();
    if (worker !== this.#current && worker !== this.#successor) return;
    const isYoung = worker.units === 0 && performance.now() - worker.bornAt < QUICK_DEATH_MS;
    const isQuick = !crash.isKilled && (worker === this.#successor || isYoung);
    if (worker === this.#successor) this.#successor = undefined;
    else this.#current = undefined;
    if (this.#isClosing) return;
    if (!crash.isWanted) {
      this.restarts += 1;
      this.#options.log.warn({ pid: worker.pid, reason: crash.reason, stack: crash.error?.stack }, 'a worker died');
    }
    if (!isQuick) this.#quickDeaths = 0;
    if (isQuick) this.#pauseThenStart();
    else if (this.#successor?.state === 'idle') this.#relieve(this.#successor);
    else this.#startSuccessor();
    this.#options.onChange();
  }

  #pauseThenStart(): void {
    this.#quickDeaths += 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#quickDeaths - 1), SLOW_PAUSE_MS);
    this.#pauseTimer ??= setTimeout(
      () => {
        this.#pauseTimer = undefined;
        this.#startSuccessor();
      },
      this.#quickDeaths < MAX_QUICK_DEATHS ? pauseMs : SLOW_PAUSE_MS,
    );
  }
}
