import type { AppError } from '../core/errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Queue } from '../queue/queue.ts';

/** One caller's interest in a job. */
export interface Share {
  /** Ends the job and undoes its delivery, unless other callers wait for it or it was accepted: then false. Idempotent. */
  leave(reason: AppError): Promise<boolean>;
  /** The answer is out: the job is over, or goes on without this caller. */
  release(): void;
}

/** Counts who waits for which job, so that the last one to leave ends it. */
export interface Shares {
  /** `undo` takes back what was stored for the job alone; given by who made the job. */
  take(jobId: string, undo?: () => Promise<void>): Share;
}

interface Interest {
  callers: number;
  isAnswered: boolean;
  undo: (() => Promise<void>) | undefined;
}

export function createShares({ queue, ledger }: { readonly queue: Queue; readonly ledger: Ledger }): Shares {
  const interests = new Map<string, Interest>();

  function take(jobId: string, undo?: () => Promise<void>): Share {
    const interest = interests.get(jobId) ?? { callers: 0, isAnswered: false, undo };
    interests.set(jobId, interest);
    interest.callers += 1;
    let isHeld = true;

    /** true: the last one. */
    function drop(): boolean {
      if (!isHeld) return false;
      isHeld = false;
      interest.callers -= 1;
      if (interest.callers === 0) interests.delete(jobId);
      return interest.callers === 0;
    }

    return {
      async leave(reason) {
        if (!drop() || ledger.isAccepted(jobId) || interest.isAnswered) return false;
        queue.cancel(jobId, reason);
        await interest.undo?.();
        return true;
      },
      release() {
        if (isHeld) interest.isAnswered = true;
        drop();
      },
    };
  }

  return { take };
}
