import { raceSignal } from '../core/deadline.ts';
import { AppError } from '../core/errors.ts';

/** An upload in the hands of one request. */
export interface Hold {
  /** Aborts with `locked` when another request takes over, with `gone` when one removes the upload. */
  readonly signal: AbortSignal;
  /** Tells when it waits for its client and when something came. */
  waiting(): void;
  arrived(): void;
  /** From here on it cannot be stopped any more, only waited for. */
  settle(): void;
  /** Idempotent. */
  release(): void;
}

export type LockMode = 'refuse' | 'take_over' | 'remove';

export interface UploadLocks {
  /**
   * - `refuse`: `locked` while the holder is well. One whose client has sent nothing for seconds is asked to stop.
   * - `take_over`: the holder is asked to stop.
   * - `remove`: the same, the holder is told that there will be no upload any more, and the new one is settling at once.
   *
   * Whoever was asked to stop, or is settling, is waited for, but not for ever: `locked` again.
   */
  acquire(id: string, mode: LockMode): Promise<Hold>;
  /** All of them, or none, as `refuse` does; returns what releases them. */
  acquireAll(ids: readonly string[]): Promise<() => void>;
  isHeld(id: string): boolean;
  /** True while someone holds it whom `refuse` would not stop. */
  isWell(id: string): boolean;
}

export interface UploadLocksOptions {
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
  /** How long a holder that was asked to stop is waited for. */
  readonly waitMs?: number;
}

/**
 * A client that reconnects finds its own old request still open, because nobody told the server that the connection is gone.
 * So a holder that has waited for bytes for so long makes way.
 */
export const STALLED_AFTER_MS = 2000;
const WAIT_MS = 20_000;

/** One request at a time works on an upload. */
export function createUploadLocks({
  now = () => performance.now(),
  waitMs = WAIT_MS,
}: UploadLocksOptions = {}): UploadLocks {
  const holders = new Map<string, Holder>();

  async function acquire(id: string, mode: LockMode): Promise<Hold> {
    let patience: AbortSignal | undefined;
    for (let holder = holders.get(id); holder; holder = holders.get(id)) {
      if (mode === 'refuse' && holder.isWell(now())) throw locked();
      holder.stop(mode === 'remove' ? removed() : takenOver());
      patience ??= AbortSignal.timeout(waitMs);
      await raceSignal(holder.released, patience).catch(() => {
        throw locked();
      });
    }
    const holder = new Holder(now, () => holders.delete(id));
    if (mode === 'remove') holder.settle();
    holders.set(id, holder);
    return holder;
  }

  async function acquireAll(ids: readonly string[]): Promise<() => void> {
    const holds: Hold[] = [];
    const release = () => {
      for (const hold of holds) hold.release();
    };
    try {
      for (const id of new Set(ids)) holds.push(await acquire(id, 'refuse'));
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  return {
    ...{ acquire, acquireAll },
    isHeld: (id) => holders.has(id),
    isWell: (id) => holders.get(id)?.isWell(now()) ?? false,
  };
}

class Holder implements Hold {
  readonly #stopped = new AbortController();
  readonly #released = Promise.withResolvers<void>();
  readonly #now: () => number;
  readonly #onRelease: () => void;
  #isSettling = false;
  #isReleased = false;
  #waitingSince: number | undefined;

  constructor(now: () => number, onRelease: () => void) {
    this.#now = now;
    this.#onRelease = onRelease;
  }

  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  get released(): Promise<void> {
    return this.#released.promise;
  }

  isWell(at: number): boolean {
    if (this.#isSettling || this.signal.aborted) return false;
    return this.#waitingSince === undefined || at - this.#waitingSince < STALLED_AFTER_MS;
  }

  stop(reason: AppError): void {
    if (!this.#isSettling) this.#stopped.abort(reason);
  }

  waiting(): void {
    this.#waitingSince = this.#now();
  }

  arrived(): void {
    this.#waitingSince = undefined;
  }

  settle(): void {
    this.#isSettling = true;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onRelease();
    this.#released.resolve();
  }
}

function takenOver(): AppError {
  return new AppError('locked', 'another request went on with this upload');
}

function removed(): AppError {
  return new AppError('gone', 'this upload was deleted by another request: create a new one');
}

function locked(): AppError {
  return new AppError('locked', 'another request is sending to this upload: wait for its end and ask for the offset', {
    retryAfterS: 1,
  });
}
