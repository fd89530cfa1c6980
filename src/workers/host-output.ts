/** What a host may print into the log in one window; the rest is counted and dropped. */
const MAX_WINDOW_CHARS = 65_536;
const WINDOW_MS = 10_000;
const MAX_LINE_CHARS = 4096;

export interface LineSplitter {
  push(chunk: string): void;
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
  let usedChars = 0;
  let droppedChars = 0;

  const emit = (line: string) => {
    if (line.trim() !== '') write(line.slice(0, MAX_LINE_CHARS));
  };
  const reportDropped = () => {
    if (droppedChars > 0) write(`${droppedChars} more characters of output were dropped`);
    droppedChars = 0;
  };
  const push = (chunk: string) => {
    if (now() - windowStart >= WINDOW_MS) {
      reportDropped();
      windowStart = now();
      usedChars = 0;
    }
    usedChars += chunk.length;
    if (usedChars > MAX_WINDOW_CHARS) {
      droppedChars += chunk.length;
      return;
    }
    const lines = (rest + chunk).split('\n');
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
