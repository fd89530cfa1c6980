/** A group that was served less worker time than this is fresh. */
const FRESH_MS = 1000;
/** While long groups wait, no more than so many units of fresh ones are taken in a row. */
const FRESH_IN_A_ROW = 3;
/** Groups without a unit that are remembered for what they were served: a job submits its units a few at a time. */
const MAX_REMEMBERED = 256;

/** Whose job it is, and how urgent: higher goes first. */
export interface Rank {
  readonly caller: string;
  readonly priority: number;
}

const NO_RANK: Rank = { caller: '', priority: 0 };

interface Group<Item> {
  readonly rank: Rank;
  readonly waiting: Item[];
  running: number;
  servedMs: number;
  /** Sum of the start times of the running units, so that what they have used so far counts as well. */
  startedAtMs: number;
}

export interface Taken<Item> {
  readonly jobId: string;
  readonly item: Item;
  /** Gives back the time it took; once, when the worker is free again. */
  readonly finish: () => void;
}

/**
 * The order in which units of many jobs get a worker. Units of one job form a **group** and go in order.
 *
 *   fresh (served < 1 s) --served 1 s--> long        fresh go first, oldest first; of four, one goes to the oldest long group
 *
 * Among the fresh, and among the long, the highest priority goes first, then the caller with the fewest units at work.
 * So a short document overtakes a long one, long ones of equal size end one after the other instead of all at the end,
 * and neither starves. One group's units spread over all workers when no other group has any.
 */
export class Schedule<Item> {
  readonly #now: () => number;
  /** In order of arrival. */
  readonly #groups = new Map<string, Group<Item>>();
  /** Units at work, by caller. */
  readonly #busy = new Map<string, number>();
  #size = 0;
  #freshInARow = 0;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Units that wait. */
  get size(): number {
    return this.#size;
  }

  /** Has units that wait or run. */
  isLive(jobId: string): boolean {
    const group = this.#groups.get(jobId);
    return group !== undefined && !isEmpty(group);
  }

  add(jobId: string, item: Item, rank = NO_RANK): void {
    this.#group(jobId, rank).waiting.push(item);
    this.#size += 1;
  }

  /** Before the group's other units: for one that has to run again. */
  putBack(jobId: string, item: Item): void {
    this.#group(jobId).waiting.unshift(item);
    this.#size += 1;
  }

  /** Does nothing if it does not wait any more. */
  remove(jobId: string, item: Item): void {
    const waiting = this.#groups.get(jobId)?.waiting ?? [];
    const index = waiting.indexOf(item);
    if (index < 0) return;
    waiting.splice(index, 1);
    this.#size -= 1;
    this.#forgetSome();
  }

  /** The unit whose turn it is. */
  take(): Taken<Item> | undefined {
    const jobId = this.#size > 0 ? this.#pick() : undefined;
    if (jobId === undefined) return undefined;
    const group = this.#group(jobId);
    const item = group.waiting.shift();
    if (item === undefined) return undefined;
    this.#size -= 1;
    return { jobId, item, finish: this.#start(group) };
  }

  #start(group: Group<Item>): () => void {
    const startedAt = this.#now();
    this.#count(group.rank.caller, 1);
    group.running += 1;
    group.startedAtMs += startedAt;
    return () => {
      this.#count(group.rank.caller, -1);
      group.running -= 1;
      group.startedAtMs -= startedAt;
      group.servedMs += this.#now() - startedAt;
      this.#forgetSome();
    };
  }

  #count(caller: string, change: 1 | -1): void {
    const busy = (this.#busy.get(caller) ?? 0) + change;
    if (busy > 0) this.#busy.set(caller, busy);
    else this.#busy.delete(caller);
  }

  #pick(): string | undefined {
    let fresh: Candidate | undefined;
    let long: Candidate | undefined;
    for (const [jobId, group] of this.#groups) {
      if (group.waiting.length === 0) continue;
      const { caller, priority } = group.rank;
      const candidate = { jobId, priority, busy: this.#busy.get(caller) ?? 0 };
      if (this.#servedMs(group) < FRESH_MS) fresh = first(fresh, candidate);
      else long = first(long, candidate);
    }
    if (fresh === undefined || long === undefined) return (fresh ?? long)?.jobId;
    const isLongsTurn =
      fresh.priority === long.priority ? this.#freshInARow >= FRESH_IN_A_ROW : long.priority > fresh.priority;
    this.#freshInARow = isLongsTurn ? 0 : this.#freshInARow + 1;
    return isLongsTurn ? long.jobId : fresh.jobId;
  }

  #servedMs(group: Group<Item>): number {
    return group.servedMs + group.running * this.#now() - group.startedAtMs;
  }

  #group(jobId: string, rank = NO_RANK): Group<Item> {
    const known = this.#groups.get(jobId);
    if (known) return known;
    const group = { rank, waiting: [], running: 0, servedMs: 0, startedAtMs: 0 };
    this.#groups.set(jobId, group);
    return group;
  }

  #forgetSome(): void {
    if (this.#groups.size <= MAX_REMEMBERED) return;
    for (const [jobId, group] of this.#groups) {
      if (isEmpty(group)) this.#groups.delete(jobId);
      if (this.#groups.size <= MAX_REMEMBERED) return;
    }
  }
}

interface Candidate {
  readonly jobId: string;
  readonly priority: number;
  readonly busy: number;
}

/** The earlier one unless the later one has a better claim. */
function first(known: Candidate | undefined, next: Candidate): Candidate {
  if (known === undefined || next.priority > known.priority) return next;
  return next.priority === known.priority && next.busy < known.busy ? next : known;
}

/** Of the idle workers the one that has the job's document open, else one whose own job is over, else any. */
export function chooseWorker<Worker extends { readonly lastJobId: string | undefined }>(
  idle: readonly Worker[],
  jobId: string,
  isLive: (jobId: string) => boolean,
): Worker | undefined {
  const same = idle.find((worker) => worker.lastJobId === jobId);
  if (same) return same;
  return idle.find((worker) => worker.lastJobId === undefined || !isLive(worker.lastJobId)) ?? idle[0];
}

function isEmpty(group: Group<unknown>): boolean {
  return group.waiting.length === 0 && group.running === 0;
}
