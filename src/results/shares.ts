import type { AppError } from '../core/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Queue } from '../queue/queue.ts';

/** One caller's interest in a job. */
export interface Share {
  /** Ends the job, unless other callers wait for it or it was accepted; true: it has no reader any more. Idempotent. */
  leave(reason: AppError): boolean;
  /** The answer is out: the job is over, or goes on without this caller. */
  release(): void;
}

/** Counts who waits for which job, so that the last one to leave ends it. */
export interface Shares {
  take(jobId: string): Share;
}

export function createShares({ queue, ledger }: { readonly queue: Queue; readonly ledger: Ledger }): Shares {
  const counts = new Map<string, number>();

  function take(jobId: string): Share {
    counts.set(jobId, (counts.get(jobId) ?? 0) + 1);
    let isHeld = true;

    function release(): boolean {
      if (!isHeld) return false;
      isHeld = false;
      const left = (counts.get(jobId) ?? 1) - 1;
      if (left > 0) counts.set(jobId, left);
      else counts.delete(jobId);
      return left === 0;
    }

    return {
      leave(reason) {
        if (!release() || ledger.isAccepted(jobId)) return false;
        queue.cancel(jobId, reason);
        return true;
      },
      release: () => void release(),
    };
  }

  return { take };
}
