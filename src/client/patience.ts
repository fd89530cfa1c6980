import { PenstockError } from './error.ts';

/** Told before each pause, for whoever wants to say why it takes longer. */
export interface RetryNotice {
  readonly error: PenstockError;
  /** 1 before the second try. */
  readonly attempt: number;
  readonly delayMs: number;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** Seconds; a server that wants more than this is not waited for. */
const LONGEST_RETRY_AFTER_S = 300;

export interface PatienceOptions {
  /** Further tries after one that failed. */
  readonly retries: number;
  readonly onRetry: ((notice: RetryNotice) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** One row of tries: pauses between them as the server asks, else doubling with jitter. */
export interface Patience {
  /** Waits before the next try. Error: the one given, when there were enough tries; the signal's reason. */
  wait(error: PenstockError): Promise<void>;
  /** Something was achieved: the count starts again. */
  reset(): void;
}

export function createPatience({ retries, onRetry, signal }: PatienceOptions): Patience {
  let attempt = 0;
  return {
    async wait(error) {
      const { retryAfterS = 0 } = error;
      if (attempt >= retries || retryAfterS > LONGEST_RETRY_AFTER_S) throw error;
      const ownMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
      const delayMs = Math.max(retryAfterS * 1000, ownMs);
      attempt += 1;
      onRetry?.({ error, attempt, delayMs });
      await pause(delayMs, signal);
    },
    reset() {
      attempt = 0;
    },
  };
}

/** Error: the signal's reason. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => reject(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** True for what the next try may not meet: no answer, a server or proxy that asks to come back. */
export function isPassing(error: unknown): error is PenstockError {
  if (!(error instanceof PenstockError)) return false;
  const { code, status, retryAfterS } = error;
  if (code === 'unreachable' || retryAfterS !== undefined) return true;
  return status === 429 || status === 502 || status === 503 || (status === 504 && code === 'bad_answer');
}
