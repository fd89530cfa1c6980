import type { AppError, ErrorCode } from '../core/errors.ts';
import type { Task } from './task.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** Failures that the next run may not meet; all others are the input's. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['internal', 'worker_crashed', 'engine_unavailable', 'storage_full']);

/** After which pause a failed run is followed by another: doubling, with jitter, as often as the task asks for. */
export function createRetry({ retries = 0 }: Task, random = Math.random) {
  return (attempt: number, error: AppError): number | undefined => {
    // The caller has had items of that run already.
    const isStreamed = error.extra.is_streamed === true;
    if (attempt > retries || isStreamed || !PASSING.has(error.code)) return undefined;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
    return pauseMs * (0.5 + random() / 2);
  };
}
