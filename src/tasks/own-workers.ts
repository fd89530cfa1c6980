import type { Workers } from '../workers/workers.ts';

/** Workers that belong to one task each. */
export interface OwnWorkers {
  /** Several start with the first unit; a single one costs little, so its first caller need not wait for it. */
  get(task: string, count: number): Workers;
  close(signal?: AbortSignal): Promise<void>;
}

export function createOwnWorkers(create: (count: number) => Workers): OwnWorkers {
  const pools = new Map<string, Workers>();

  function get(task: string, count: number): Workers {
    const pool = () => {
      const known = pools.get(task) ?? create(count);
      pools.set(task, known);
      return known;
    };
    if (count === 1) pool();
    return {
      run: (unit, options) => pool().run(unit, options),
      stats: () => pool().stats(),
      close: async (signal) => pools.get(task)?.close(signal),
    };
  }

  return {
    get,
    close: async (signal) => void (await Promise.all([...pools.values()].map((pool) => pool.close(signal)))),
  };
}
