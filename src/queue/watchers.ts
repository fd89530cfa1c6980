import { raceSignal } from '../core/deadline.ts';
import { isFinal, type Job, type JobEvent } from './queue.ts';

interface Watcher {
  wake: PromiseWithResolvers<void>;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Parts that the reader has already. */
  readonly afterPart: number;
}

export interface Watchers {
  tell(id: string): void;
  follow(id: string, current: () => Job, options: FollowOptions): AsyncGenerator<JobEvent>;
}

/**
 * Wakes a job's watchers. Each reads the job's newest state and the parts it has not seen yet when it gets round to it, so
 * a slow one holds nothing but a number.
 */
export function createWatchers(): Watchers {
  const byJob = new Map<string, Set<Watcher>>();

  async function* follow(id: string, current: () => Job, options: FollowOptions): AsyncGenerator<JobEvent> {
    const watcher: Watcher = { wake: Promise.withResolvers() };
    const watching = byJob.get(id) ?? new Set();
    byJob.set(id, watching.add(watcher));
    try {
      yield* tellAll(watcher, current, options);
    } finally {
      watching.delete(watcher);
      if (watching.size === 0 && byJob.get(id) === watching) byJob.delete(id);
    }
  }

  return {
    tell(id) {
      for (const watcher of byJob.get(id) ?? []) watcher.wake.resolve();
    },
    follow,
  };
}

async function* tellAll(
  watcher: Watcher,
  current: () => Job,
  { signal, afterPart }: FollowOptions,
): AsyncGenerator<JobEvent> {
  let seen = afterPart;
  let told = current();
  yield { type: 'snapshot', job: told };
  for (;;) {
    const job = current();
    for (; seen < job.parts.length; seen++) {
      const part = job.parts[seen];
      if (part) yield { type: 'part', job, part };
    }
    // More may have come while the reader was busy with these.
    if (job !== current()) continue;
    if (isFinal(job.status)) {
      yield { type: 'done', job };
      return;
    }
    if (job !== told) {
      told = job;
      yield { type: 'progress', job };
      continue;
    }
    await raceSignal(watcher.wake.promise, signal);
    watcher.wake = Promise.withResolvers();
  }
}
