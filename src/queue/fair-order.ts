interface Place {
  readonly caller: string;
  readonly priority: number;
}

/** Waiting jobs of one priority: each caller's in order of arrival, and the callers by how many they have at work. */
interface Level {
  readonly byCaller: Map<string, Set<string>>;
  readonly byBusy: Map<number, Set<string>>;
}

/**
 * Whose turn it is: the highest priority first, then the caller with the fewest jobs at work, then the caller who has
 * waited longest since its last turn. Every step costs the same however many wait.
 */
export class FairOrder {
  readonly #places = new Map<string, Place>();
  readonly #levels = new Map<number, Level>();
  readonly #busy = new Map<string, number>();

  get size(): number {
    return this.#places.size;
  }

  add(id: string, place: Place): void {
    const { caller, priority } = place;
    this.#places.set(id, place);
    const level = this.#levels.get(priority) ?? { byCaller: new Map(), byBusy: new Map() };
    this.#levels.set(priority, level);
    const own = level.byCaller.get(caller) ?? new Set();
    level.byCaller.set(caller, own.add(id));
    if (own.size === 1) enter(level, this.#busyOf(caller), caller);
  }

  /** Does nothing if it does not wait. */
  remove(id: string): void {
    const place = this.#places.get(id);
    if (!place) return;
    this.#places.delete(id);
    const level = this.#levels.get(place.priority);
    const own = level?.byCaller.get(place.caller);
    own?.delete(id);
    if (!level || own?.size !== 0) return;
    level.byCaller.delete(place.caller);
    leave(level, this.#busyOf(place.caller), place.caller);
    if (level.byCaller.size === 0) this.#levels.delete(place.priority);
  }

  /** The job whose turn it is, waiting no more. */
  take(): string | undefined {
    if (this.#levels.size === 0) return undefined;
    const level = this.#levels.get(Math.max(...this.#levels.keys()));
    const fewest = level && Math.min(...level.byBusy.keys());
    const [caller = ''] = level?.byBusy.get(fewest ?? 0) ?? [];
    const [id] = level?.byCaller.get(caller) ?? [];
    if (id !== undefined) this.remove(id);
    return id;
  }

  /** A job of the caller begins or ends its work. */
  busy(caller: string, change: 1 | -1): void {
    const before = this.#busyOf(caller);
    const after = before + change;
    for (const level of this.#levels.values()) {
      if (!level.byCaller.has(caller)) continue;
      leave(level, before, caller);
      enter(level, after, caller);
    }
    if (after > 0) this.#busy.set(caller, after);
    else this.#busy.delete(caller);
  }

  #busyOf(caller: string): number {
    return this.#busy.get(caller) ?? 0;
  }
}

function enter({ byBusy }: Level, busy: number, caller: string): void {
  const callers = byBusy.get(busy) ?? new Set();
  byBusy.set(busy, callers.add(caller));
}

function leave({ byBusy }: Level, busy: number, caller: string): void {
  const callers = byBusy.get(busy);
  callers?.delete(caller);
  if (callers?.size === 0) byBusy.delete(busy);
}
