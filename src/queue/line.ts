import { AppError } from '../core/errors.ts';
import type { Depth, Handler, NewJob, Slot, WorkOptions } from './queue.ts';

/** A caller is never told to come back later than this. */
const MAX_RETRY_AFTER_S = 60;
/** Assumed until the first job of a task has been measured. */
const FIRST_SERVICE_MS = 1000;
/** Weight of the newest job in the running mean of the service time. */
const NEWEST_WEIGHT = 0.2;

interface Waiting {
  readonly id: string;
  readonly caller: string;
  readonly priority: number;
}

/** One task's places: reserved, waiting, at work. `live` is their sum and never passes concurrency + queueSize. */
export class TaskLine {
  readonly handler: Handler;
  readonly #task: string;
  readonly #options: WorkOptions;
  readonly #slots = new Set<Slot>();
  readonly #waiting: Waiting[] = [];
  /** Job at work -> its caller. A cancelled job stays until its handler has returned. */
  readonly #atWork = new Map<string, string>();
  readonly #running = new Set<string>();
  #live = 0;
  #meanServiceMs = FIRST_SERVICE_MS;

  constructor(task: string, options: WorkOptions) {
    this.#task = task;
    this.#options = options;
    this.handler = options.handler;
  }

  get live(): number {
    return this.#live;
  }

  get #capacity(): number {
    return this.#options.concurrency + this.#options.queueSize;
  }

  reserve(): Slot {
    if (this.#live >= this.#capacity) throw this.#full();
    this.#live += 1;
    const slot: Slot = {
      task: this.#task,
      release: () => {
        if (this.#slots.delete(slot)) this.#live -= 1;
      },
    };
    this.#slots.add(slot);
    return slot;
  }

  #full(): AppError {
    const { concurrency, queueSize } = this.#options;
    const placeFreeInS = Math.ceil(this.#meanServiceMs / 1000 / concurrency);
    const retryAfterS = Math.min(MAX_RETRY_AFTER_S, Math.max(1, placeFreeInS));
    const places = `${queueSize} waiting beyond ${concurrency} running`;
    return new AppError('queue_full', `the queue of ${this.#task} is full (${places}); try again in ${retryAfterS} s`, {
      retryAfterS,
    });
  }

  /** The slot becomes a waiting job. */
  take(slot: Slot, { id, caller, priority = 0 }: NewJob): void {
    if (!this.#slots.delete(slot))
      throw new AppError('internal', `a job of ${this.#task} was submitted without a slot`);
    this.#waiting.push({ id, caller, priority });
  }

  /** The job whose turn it is, now at work; undefined when nothing waits or nothing more may run. */
  next(): string | undefined {
    const mayRun = this.#options.eager || this.#atWork.size < this.#options.concurrency;
    const job = mayRun ? this.#waiting[this.#turn()] : undefined;
    if (!job) return undefined;
    this.#forget(job.id);
    this.#atWork.set(job.id, job.caller);
    return job.id;
  }

  /** Callers take turns: the highest priority first, then who has the fewest at work, then who came first. */
  #turn(): number {
    const busy = new Map<string, number>();
    for (const caller of this.#atWork.values()) busy.set(caller, (busy.get(caller) ?? 0) + 1);
    const rank = (job: Waiting) => [-job.priority, busy.get(job.caller) ?? 0] as const;
    let best = 0;
    let [bestPriority, bestBusy] = [Number.POSITIVE_INFINITY, 0];
    for (const [index, job] of this.#waiting.entries()) {
      const [priority, atWork] = rank(job);
      if (priority > bestPriority || (priority === bestPriority && atWork >= bestBusy)) continue;
      [best, bestPriority, bestBusy] = [index, priority, atWork];
    }
    return best;
  }

  #forget(id: string): void {
    const index = this.#waiting.findIndex((each) => each.id === id);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  started(id: string): void {
    this.#running.add(id);
  }

  /** The job is final, from whichever state; `serviceMs`: how long it ran, if it did. */
  settled(id: string, serviceMs: number | undefined): void {
    this.#live -= 1;
    this.#running.delete(id);
    this.#forget(id);
    if (serviceMs !== undefined) this.#meanServiceMs += NEWEST_WEIGHT * (serviceMs - this.#meanServiceMs);
  }

  /** The handler has returned: its place at work is free. */
  left(id: string): void {
    this.#atWork.delete(id);
  }

  depth(): Depth {
    const ahead = Math.max(0, this.#live - this.#options.concurrency + 1);
    return {
      waiting: this.#live - this.#running.size,
      running: this.#running.size,
      free: this.#capacity - this.#live,
      estimatedWaitS: (ahead * this.#meanServiceMs) / 1000 / this.#options.concurrency,
    };
  }
}
