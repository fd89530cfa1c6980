/** Assumed until the first job of a task has been measured. */
const FIRST_COST_MS = 1000;
/** Weight of the newest job in the running mean. */
const NEWEST_WEIGHT = 0.2;
/** So many jobs make a measure that work may be refused by. */
const ENOUGH_JOBS = 5;

/**
 * What one job costs: the time that a task's workers were busy, divided by the jobs that ended. Unlike the time from a
 * job's start to its end, it stays right when more jobs share the workers than there are workers.
 */
export class ServiceMeter {
  readonly #concurrency: number;
  readonly #now: () => number;
  #costMs = FIRST_COST_MS;
  #jobs = 0;
  #running = 0;
  #changedAt: number;
  #busyMs = 0;

  /** `now`: milliseconds. */
  constructor(concurrency: number, now: () => number) {
    this.#concurrency = concurrency;
    this.#now = now;
    this.#changedAt = now();
  }

  /** Milliseconds of one worker. */
  get costMs(): number {
    return this.#costMs;
  }

  get isTrusted(): boolean {
    return this.#jobs >= ENOUGH_JOBS;
  }

  started(): void {
    this.#integrate();
    this.#running += 1;
  }

  /** A job that had started is over, or back in the line. */
  ended(): void {
    this.#integrate();
    this.#running -= 1;
    const weight = this.#jobs === 0 ? 1 : NEWEST_WEIGHT;
    this.#costMs += weight * (this.#busyMs - this.#costMs);
    this.#busyMs = 0;
    this.#jobs += 1;
  }

  #integrate(): void {
    const now = this.#now();
    this.#busyMs += Math.min(this.#running, this.#concurrency) * Math.max(0, now - this.#changedAt);
    this.#changedAt = now;
  }
}
