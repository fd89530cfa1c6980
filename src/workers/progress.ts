/** At most four a second go out: whoever watches a job has no use for more. */
const INTERVAL_MS = 250;

export type SendProgress = (fraction: number, message: string | undefined) => void;

export interface Progress {
  /** Fraction 0 to 1; what would go back stays where it was. */
  report(fraction: number, message?: string): void;
  /** Sends the last one if it is still held back, and nothing after that. */
  end(): void;
}

/** `now`: milliseconds of a clock that never goes back. */
export function createProgress(send: SendProgress, now: () => number): Progress {
  let highest = 0;
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  let latestMessage: string | undefined;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    lastSentAt = now();
    send(highest, latestMessage);
  };
  const report = (fraction: number, message?: string) => {
    if (isOver) return;
    if (fraction > highest) highest = Math.min(fraction, 1);
    latestMessage = message === undefined ? undefined : String(message).slice(0, 1000);
    const waitMs = lastSentAt + INTERVAL_MS - now();
    if (waitMs <= 0) flush();
    else timer ??= setTimeout(flush, waitMs);
  };
  const end = () => {
    isOver = true;
    if (timer !== undefined) flush();
  };
  return { report, end };
}
