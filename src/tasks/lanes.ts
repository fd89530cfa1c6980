import { raceSignal } from '../core/deadline.ts';
import type { Handler } from '../queue/queue.ts';

/** A queue of its own for each worker: jobs in it, and the end of the last. */
interface Lane {
  jobs: number;
  last: Promise<unknown>;
}

/**
 * One queue per worker: each job enters the least busy one when it comes, and stays there though another worker may be free
 * earlier. For a queue that hands over every job at once.
 */
export function inLanes(count: number, handler: Handler): Handler {
  const lanes = Array.from({ length: count }, (): Lane => ({ jobs: 0, last: Promise.resolve() }));

  return async (run) => {
    const lane = lanes.reduce((least, other) => (other.jobs < least.jobs ? other : least));
    const before = lane.last;
    const mine = Promise.withResolvers<void>();
    lane.last = Promise.allSettled([before, mine.promise]);
    lane.jobs += 1;
    try {
      await raceSignal(before, run.signal);
      return await handler(run);
    } finally {
      lane.jobs -= 1;
      mine.resolve();
    }
  };
}
