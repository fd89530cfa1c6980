/** What a host may print into the log in one window; the rest is counted and dropped. */
const MAX_WINDOW_BYTES = 65_536;
const WINDOW_MS = 10_000;
const MAX_LINE_CHARS = 4096;

export interface LineSplitter {
  push(chunk: Uint8Array): void;
  /** Hands over what is left without a line end. */
  end(): void;
}

/**
 * Lines out of a stream's chunks, bounded in length and rate: tasks print through their unit's log (unit-log.ts), so what
 * arrives here are V8's and native libraries' last words, or a flood. `now`: milliseconds of a clock that never goes back.
 */
export function createLineSplitter(write: (line: string) => void, now: () => number): LineSplitter {
  let rest = '';
  let windowStart = now();
  let usedBytes = 0;
  let droppedBytes = 0;

  const emit = (line: string) => {
    if (line.trim() !== '') write(line.slice(0, MAX_LINE_CHARS));
  };
  const reportDropped = () => {
    if (droppedBytes > 0) write(`${droppedBytes} more bytes of output were dropped`);
    droppedBytes = 0;
  };
  const push = (chunk: Uint8Array) => {
    if (now() - windowStart >= WINDOW_MS) {
      reportDropped();
      windowStart = now();
      usedBytes = 0;
    }
    usedBytes += chunk.length;
    if (usedBytes > MAX_WINDOW_BYTES) {
      droppedBytes += chunk.length;
      return;
    }
    const lines = (rest + Buffer.from(chunk).toString()).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const line of lines) emit(line);
  };
  const end = () => {
    emit(rest);
    rest = '';
    reportDropped();
  };
  return { push, end };
}
