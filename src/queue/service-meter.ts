/** Assumed until the first job of a task has been measured. */
const FIRST_COST_MS = 1000;
/** Weight of the newest job in the running mean. */
const NEWEST_WEIGHT = 0.2;
/** So many jobs make a measure that work may be refused by. */
const ENOUGH_JOBS = 5;
/** Newest jobs that tell what a short one takes. */
const REMEMBERED_JOBS = 16;

interface Service {
  /** What its runner said that it took so far; undefined: it says nothing. */
  spentMs: number | undefined;
  readonly startedAtShare: number;
}

/**
 * What one job takes of a task's workers. `costMs` is their busy time divided by the jobs that ended: unlike the time from a
 * job's start to its end it stays right when more jobs share the workers than there are workers.
 */
export class ServiceMeter {
  readonly #concurrency: number;
  readonly #now: () => number;
  readonly #running = new Map<string, Service>();
  /** Worker time of the newest jobs that came to their end. */
  readonly #newest: number[] = [];
  #costMs = FIRST_COST_MS;
  #jobs = 0;
  #changedAt: number;
  #busyMs = 0;
  /** What a job that was always running would have got. */
  #shareMs = 0;

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
    return this.#newest.length >= ENOUGH_JOBS;
  }

  /** The same of a job that is shorter than most: the quarter below which the newest lie. */
  get shortMs(): number {
    const sorted = this.#newest.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 4)] ?? FIRST_COST_MS;
  }

  /** The mean of the newest, none counted for more than `capMs`. */
  meanMs(capMs: number): number {
    const sum = this.#newest.reduce((total, ms) => total + Math.min(ms, capMs), 0);
    return this.#newest.length === 0 ? Math.min(FIRST_COST_MS, capMs) : sum / this.#newest.length;
  }

  started(id: string): void {
    this.#integrate();
    this.#running.set(id, { spentMs: undefined, startedAtShare: this.#shareMs });
  }

  /** A worker was busy with it for so long. */
  spent(id: string, ms: number): void {
    const service = this.#running.get(id);
    if (service) service.spentMs = (service.spentMs ?? 0) + ms;
  }

  /** Worker time so far; 0 if it does not run. */
  servedMs(id: string): number {
    const service = this.#running.get(id);
    this.#integrate();
    return service ? (service.spentMs ?? this.#shareMs - service.startedAtShare) : 0;
  }

  /** A job that had started is over, or back in the line. `isWhole`: it took what such a job takes; else it might have taken more. */
  ended(id: string, isWhole: boolean): void {
    this.#integrate();
    const servedMs = this.servedMs(id);
    this.#running.delete(id);
    const weight = this.#jobs === 0 ? 1 : NEWEST_WEIGHT;
    this.#costMs += weight * (this.#busyMs - this.#costMs);
    this.#busyMs = 0;
    this.#jobs += 1;
    // Of one that was stopped early nothing is learnt, unless it had taken more by then than a short one does.
    const isTelling = isWhole || servedMs > this.shortMs;
    if (isTelling && this.#newest.push(servedMs) > REMEMBERED_JOBS) this.#newest.shift();
  }

  #integrate(): void {
    const now = this.#now();
    const ms = Math.max(0, now - this.#changedAt);
    const { size } = this.#running;
    this.#busyMs += Math.min(size, this.#concurrency) * ms;
    this.#shareMs += Math.min(1, this.#concurrency / size) * ms;
    this.#changedAt = now;
  }
}
