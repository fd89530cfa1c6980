/** What the server has promised and what became of it, as its callers saw it. */
export interface Promises {
  /** The server said that this job goes on whatever happens. */
  accepted(id: string): void;
  /** A final state that a caller was told. */
  told(id: string, status: string): void;
  /** The server does not know a job that it had accepted. */
  missing(id: string): void;
  /** Accepted and not told of as ended. */
  open(): readonly string[];
  /** Everything that was accepted. */
  all(): readonly string[];
  readonly lost: readonly string[];
  /** `<id>: succeeded, then cancelled`. */
  readonly contradictions: readonly string[];
  /** How many ended how. */
  outcomes(): ReadonlyMap<string, number>;
}

export function createPromises(): Promises {
  const jobs = new Map<string, string | undefined>();
  const lost = new Set<string>();
  const contradictions: string[] = [];
  return {
    accepted(id) {
      if (!jobs.has(id)) jobs.set(id, undefined);
    },
    told(id, status) {
      const before = jobs.get(id);
      if (before !== undefined && before !== status) contradictions.push(`${id}: ${before}, then ${status}`);
      jobs.set(id, status);
    },
    missing: (id) => void lost.add(id),
    open: () => [...jobs].filter(([id, status]) => status === undefined && !lost.has(id)).map(([id]) => id),
    all: () => [...jobs.keys()],
    get lost() {
      return [...lost];
    },
    contradictions,
    outcomes() {
      const counts = new Map<string, number>();
      for (const status of jobs.values()) counts.set(status ?? 'open', (counts.get(status ?? 'open') ?? 0) + 1);
      return counts;
    },
  };
}
