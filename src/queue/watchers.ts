import { raceSignal } from '../core/deadline.ts';
import { isFinal, type Job, type JobEvent } from './queue.ts';

/** Parts that a slow reader may lag behind; past it the oldest are dropped, their result is in the job all the same. */
const MAX_LAG = 1024;

interface Watcher {
  /** The newest state not yet read; a later one replaces it. */
  state: JobEvent | undefined;
  parts: JobEvent[];
  wake: PromiseWithResolvers<void>;
}

export interface Watchers {
  tell(id: string, event: JobEvent): void;
  follow(job: Job, signal: AbortSignal): AsyncGenerator<JobEvent>;
}

/** Fans a job's events out to its watchers, each with a bounded memory of its own. */
export function createWatchers(): Watchers {
  const byJob = new Map<string, Set<Watcher>>();

  function tell(id: string, event: JobEvent): void {
    for (const watcher of byJob.get(id) ?? []) {
      if (event.type === 'part') {
        watcher.parts.push(event);
        if (watcher.parts.length > MAX_LAG) watcher.parts.shift();
      } else {
        watcher.state = event;
      }
      watcher.wake.resolve();
    }
  }

  async function* follow(job: Job, signal: AbortSignal): AsyncGenerator<JobEvent> {
    const watcher: Watcher = { state: undefined, parts: [], wake: Promise.withResolvers() };
    const watching = byJob.get(job.id) ?? new Set();
    byJob.set(job.id, watching.add(watcher));
    try {
      yield { type: 'snapshot', job };
      if (isFinal(job.status)) yield { type: 'done', job };
      let done = isFinal(job.status);
      while (!done) {
        await raceSignal(watcher.wake.promise, signal);
        watcher.wake = Promise.withResolvers();
        const events = [...watcher.parts.splice(0), ...(watcher.state ? [watcher.state] : [])];
        watcher.state = undefined;
        done = events.at(-1)?.type === 'done';
        yield* events;
      }
    } finally {
      watching.delete(watcher);
      if (watching.size === 0) byJob.delete(job.id);
    }
  }

  return { tell, follow };
}
