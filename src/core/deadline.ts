import { AppError } from './errors.ts';

/** setTimeout fires at once above this. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** A signal that aborts with `reason` after `ms`, or with the parent's reason before that; `clear` frees the timer. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  readonly clear: () => void;
}

/**
 * One AbortSignal out of several causes and an optional time limit. Whichever comes first wins, and its reason is an
 * AppError, so that whoever waits learns why.
 */
export function createDeadline(options: {
  ms?: number;
  parents?: readonly AbortSignal[];
  reason?: AppError;
}): Deadline {
  const own = new AbortController();
  const reason = options.reason ?? new AppError('deadline_exceeded', 'the deadline passed before there was a result');
  const timer =
    options.ms === undefined ? undefined : setTimeout(() => own.abort(reason), Math.min(options.ms, MAX_TIMER_MS));
  const signal = AbortSignal.any([own.signal, ...(options.parents ?? [])]);
  const clear = () => clearTimeout(timer);
  return { signal, clear, [Symbol.dispose]: clear };
}

/** Settles like `promise`, or rejects with the signal's reason if that comes first. The work itself is not stopped. */
export async function raceSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  // Through the race also when it is lost from the start: so that a later rejection of `promise` is handled.
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
