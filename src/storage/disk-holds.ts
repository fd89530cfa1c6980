/** Data files that someone works on by path: a delete meanwhile takes place when the last one lets go. */
export interface Holds {
  /** Returns the release; idempotent. */
  take(key: string): () => Promise<void>;
  /** true: held, and `remove` is called after the last release. */
  postpone(key: string): boolean;
  isHeld(key: string): boolean;
  isDoomed(key: string): boolean;
}

export function createHolds(remove: (key: string) => Promise<void>): Holds {
  const holds = new Map<string, { count: number; isDoomed: boolean }>();

  function take(key: string): () => Promise<void> {
    const hold = holds.get(key) ?? { count: 0, isDoomed: false };
    holds.set(key, hold);
    hold.count += 1;
    let isReleased = false;
    return async () => {
      if (isReleased) return;
      isReleased = true;
      hold.count -= 1;
      if (hold.count > 0) return;
      holds.delete(key);
      if (hold.isDoomed) await remove(key);
    };
  }

  function postpone(key: string): boolean {
    const hold = holds.get(key);
    if (hold) hold.isDoomed = true;
    return hold !== undefined;
  }

  return { take, postpone, isHeld: (key) => holds.has(key), isDoomed: (key) => holds.get(key)?.isDoomed ?? false };
}
