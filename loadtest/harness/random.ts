/** Uniform in [0, 1). */
export type Random = () => number;

/** The same seed gives the same run (mulberry32, public domain, T. Ettinger). Not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Log-uniform between the two, so that small and large are met equally often. */
export function between(random: Random, low: number, high: number): number {
  return Math.round(low * (high / low) ** random());
}

/** One of the items, by weight. */
export function pick<T>(random: Random, items: readonly (readonly [weight: number, item: T])[]): T {
  let rest = random() * items.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, item] of items) {
    rest -= weight;
    if (rest < 0) return item;
  }
  throw new Error('pick needs at least one item with a weight above 0');
}
