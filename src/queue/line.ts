import { AppError } from '../core/errors.ts';
import { Arrivals } from './arrivals.ts';
import { Crowd } from './crowd.ts';
import { FairOrder } from './fair-order.ts';
import type { Depth, Handler, Job, Place, Slot, WorkOptions } from './queue.ts';
import { ServiceMeter } from './service-meter.ts';

/** A caller is never told to come back later than this. */
const MAX_RETRY_AFTER_S = 60;
/** Where jobs share the workers, one that was served less than this passes those that were served more (workers/schedule.ts). */
const SHORT_MS = 1000;
/** Under overload every admitted job waits for as long as it may: without a margin half of them would come too late. */
const MARGIN = 1.5;

export interface ReserveOptions {
  readonly caller?: string | undefined;
  readonly deadlineMs?: number | undefined;
}

/** One task's places: reserved, waiting, at work. `live` is their sum; a reservation never takes it past concurrency + queueSize. */
export class TaskLine {
  readonly handler: Handler;
  readonly retry: WorkOptions['retry'];
  readonly #task: string;
  readonly #options: WorkOptions;
  readonly #order = new FairOrder();
  readonly #meter: ServiceMeter;
  readonly #crowd = new Crowd();
  readonly #slots = new Set<Slot>();
  /** Job at work -> its caller. A cancelled job stays until its handler has returned. */
  readonly #atWork = new Map<string, string>();
  /** Submitted and not begun, in order of arrival. */
  readonly #queued = new Arrivals();
  /** Begun and not over -> its caller. */
  readonly #running = new Map<string, string>();
  #live = 0;

  constructor(task: string, options: WorkOptions, now: () => number) {
    this.#task = task;
    this.#options = options;
    this.#meter = new ServiceMeter(options.concurrency, now);
    this.handler = options.handler;
    this.retry = options.retry;
  }

  get #capacity(): number {
    return this.#options.concurrency + this.#options.queueSize;
  }

  reserve({ caller = '', deadlineMs }: ReserveOptions): Slot {
    if (this.#live >= this.#capacity) throw this.#full();
    if (deadlineMs !== undefined) this.#refuseHopeless(caller, deadlineMs);
    this.#join(caller);
    const slot: Slot = {
      task: this.#task,
      release: () => {
        if (this.#slots.delete(slot)) this.#leave(caller);
      },
    };
    this.#slots.add(slot);
    return slot;
  }

  #join(caller: string): void {
    this.#live += 1;
    this.#crowd.change(caller, 1);
  }

  #leave(caller: string): void {
    this.#live -= 1;
    this.#crowd.change(caller, -1);
  }

  #full(): AppError {
    const { concurrency, queueSize } = this.#options;
    const retryAfterS = retryAfter(this.#meter.costMs / concurrency);
    const places = `${queueSize} waiting beyond ${concurrency} running`;
    return new AppError('queue_full', `the queue of ${this.#task} is full (${places}); try again in ${retryAfterS} s`, {
      retryAfterS,
    });
  }

  /** Of the job itself the best is assumed: a short one is never refused because others were long. */
  #refuseHopeless(caller: string, deadlineMs: number): void {
    const { concurrency, eager } = this.#options;
    if (!this.#meter.isTrusted || this.#live < concurrency) return;
    const ownMs = this.#meter.shortMs;
    const doesPass = eager && ownMs < SHORT_MS;
    // Those at work are half done on average.
    const passed = doesPass ? this.#longOnes() : new Map<string, number>();
    const ahead = Math.max(0, this.#crowd.ahead(caller, passed) - concurrency / 2);
    const aheadMs = (ahead * this.#meter.meanMs(doesPass ? SHORT_MS : Number.POSITIVE_INFINITY)) / concurrency;
    const neededMs = aheadMs * MARGIN + (eager ? ownMs / concurrency : ownMs);
    if (neededMs <= deadlineMs) return;
    const retryAfterS = retryAfter(neededMs - deadlineMs);
    const detail = `${Math.ceil(ahead)} jobs of ${this.#task} are ahead, so a result within ${deadlineMs / 1000} s cannot be expected; try again in ${retryAfterS} s, or allow more time with ?deadline=`;
    throw new AppError('queue_full', detail, { retryAfterS });
  }

  #longOnes(): ReadonlyMap<string, number> {
    const byCaller = new Map<string, number>();
    for (const [id, caller] of this.#running)
      if (this.#meter.servedMs(id) >= SHORT_MS) byCaller.set(caller, (byCaller.get(caller) ?? 0) + 1);
    return byCaller;
  }

  /** The slot becomes a waiting job; a job without one was accepted before, and is let in whatever the limits. */
  enter(slot: Slot | undefined, job: Job): void {
    if (slot && !this.#slots.has(slot))
      throw new AppError('internal', `a job of ${this.#task} was submitted without a slot`);
    slot?.release();
    this.#join(job.caller);
    this.wait(job);
  }

  /** Puts a job into the line, for the first time or again. */
  wait({ id, caller, priority }: Job): void {
    this.#queued.add(id);
    this.#order.add(id, { caller, priority });
  }

  /** The job whose turn it is, now at work; undefined when nothing waits or nothing more may run. */
  next(): Pick<Job, 'id'> | undefined {
    const mayRun = this.#options.eager || this.#atWork.size < this.#options.concurrency;
    const id = mayRun ? this.#order.take() : undefined;
    return id === undefined ? undefined : { id };
  }

  working({ id, caller }: Job): void {
    this.#atWork.set(id, caller);
    this.#order.busy(caller, 1);
  }

  /** The handler has returned: its place at work is free. */
  left(id: string): void {
    const caller = this.#atWork.get(id);
    if (caller === undefined) return;
    this.#atWork.delete(id);
    this.#order.busy(caller, -1);
  }

  started({ id, caller }: Job): void {
    this.#queued.delete(id);
    this.#running.set(id, caller);
    this.#meter.started(id);
  }

  /** A worker was busy with the job for so long. */
  spent(id: string, ms: number): void {
    this.#meter.spent(id, ms);
  }

  /** The run is over, the job perhaps not. `isWhole`: it took what such a job takes. */
  stopped(id: string, isWhole: boolean): void {
    this.#order.remove(id);
    this.#queued.delete(id);
    if (this.#running.delete(id)) this.#meter.ended(id, isWhole);
  }

  /** The job is final, from whichever state. */
  settled({ id, caller, status }: Job): void {
    this.stopped(id, status === 'succeeded');
    this.#leave(caller);
  }

  depth(): Depth {
    const running = this.#running.size;
    return {
      waiting: this.#live - running,
      running,
      free: Math.max(0, this.#capacity - this.#live),
      // A place whose body is still on its way, perhaps for hours, is no work yet.
      estimatedWaitS: this.#waitS(this.#queued.size),
    };
  }

  /** undefined: it does not wait. */
  place(id: string): Place | undefined {
    const ahead = this.#queued.ahead(id);
    return ahead === undefined ? undefined : { position: ahead + 1, estimatedWaitS: this.#waitS(ahead) };
  }

  #waitS(ahead: number): number {
    const { concurrency } = this.#options;
    const rounds = Math.max(0, ahead + this.#running.size - concurrency + 1) / concurrency;
    return (rounds * this.#meter.costMs) / 1000;
  }
}

function retryAfter(ms: number): number {
  return Math.min(MAX_RETRY_AFTER_S, Math.max(1, Math.ceil(ms / 1000)));
}
