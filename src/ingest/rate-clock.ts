import { AppError } from '../core/errors.ts';

export interface MinRate {
  /** Bytes per second over the window; 0: no limit. */
  readonly bytesPerS: number;
  /** Seconds of waiting in which nothing is asked. */
  readonly graceS: number;
}

export interface RateClockOptions {
  readonly rate: MinRate;
  /** Called once, from a timer, with `upload_too_slow` or, if nothing came in a whole window, `upload_stalled`. */
  readonly onTooSlow: (error: AppError) => void;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

const WINDOW_S = 20;
/** The window slides in steps of a second, and one more is kept for the second under way: never less than the window. */
const SLOTS = WINDOW_S + 1;

/**
 * Holds a sender to a minimum rate, in **waiting time**: it passes only between `waiting()` and `arrived()`, so that a disk
 * which makes us slow is not held against the client.
 *
 * There is one lazy timer. It is set to the first moment at which the rate would be missed if nothing more came; what does
 * come only moves that moment away, so a healthy upload wakes it about once per window.
 */
export class RateClock {
  readonly #rate: MinRate;
  readonly #onTooSlow: (error: AppError) => void;
  readonly #now: () => number;
  /** Bytes by second of waiting time, modulo SLOTS. */
  readonly #slots = new Float64Array(SLOTS);
  #second = 0;
  #waitedMs = 0;
  #waitingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ rate, onTooSlow, now = () => performance.now() }: RateClockOptions) {
    this.#rate = rate;
    this.#onTooSlow = onTooSlow;
    this.#now = now;
    if (rate.bytesPerS > 0) this.#arm();
  }

  waiting(): void {
    this.#waitingSince = this.#now();
  }

  arrived(bytes: number): void {
    this.came(bytes);
    this.#waitingSince = undefined;
  }

  /** More is waited for still. */
  came(bytes: number): void {
    this.#advance();
    const slot = this.#second % SLOTS;
    this.#slots[slot] = this.#bytesIn(this.#second) + bytes;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #bytesIn(second: number): number {
    return this.#slots[second % SLOTS] ?? 0;
  }

  #advance(): void {
    if (this.#waitingSince === undefined) return;
    const now = this.#now();
    this.#waitedMs += now - this.#waitingSince;
    this.#waitingSince = now;
    const second = Math.floor(this.#waitedMs / 1000);
    for (let reused = Math.max(this.#second, second - SLOTS) + 1; reused <= second; reused++) {
      this.#slots[reused % SLOTS] = 0;
    }
    this.#second = second;
  }

  #arm(): void {
    const ms = this.#missedAtS() * 1000 - this.#waitedMs;
    // While we are the slow ones the moment can be due already: then look again in a second.
    this.#timer = setTimeout(() => this.#check(), Math.max(ms, 1000));
  }

  #check(): void {
    this.#advance();
    const isMissed = this.#waitingSince !== undefined && this.#waitedMs >= this.#missedAtS() * 1000;
    if (!isMissed) {
      this.#arm();
      return;
    }
    const isStalled = this.#second >= WINDOW_S && this.#slots.every((bytes) => bytes === 0);
    this.#onTooSlow(isStalled ? stalled() : tooSlow(this.#rate.bytesPerS));
  }

  /** Before the first window is full, the rate is asked of the seconds that are over. */
  #requiredAt(second: number): number {
    return this.#rate.bytesPerS * Math.min(second - 1, WINDOW_S);
  }

  /** The second of waiting time at which the rate is missed if nothing comes until then. */
  #missedAtS(): number {
    let bytes = this.#slots.reduce((sum, some) => sum + some, 0);
    let second = this.#second;
    while (bytes >= this.#requiredAt(second) && second <= this.#second + SLOTS) {
      second += 1;
      bytes -= this.#bytesIn(second);
    }
    return Math.max(second, this.#rate.graceS);
  }
}

function stalled(): AppError {
  return new AppError('upload_stalled', `nothing came for ${WINDOW_S} s: send it again, or use a resumable upload`);
}

function tooSlow(bytesPerS: number): AppError {
  const detail = `less than ${bytesPerS} bytes per second came over ${WINDOW_S} s: send it over a faster network`;
  return new AppError('upload_too_slow', detail);
}
