import { clearLine, clearScreenDown, cursorTo } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

/** Where a command writes: results to stdout, everything that is only for eyes to stderr. */
export interface Terminal {
  readonly isJson: boolean;
  /** One line of result. */
  line(text: string): void;
  /** One value of result, on one line with `--json`, else indented. */
  value(value: unknown): void;
  /** A remark, in a line of its own. */
  note(text: string): void;
  /** A line that the next one replaces; nothing where stderr is no terminal. */
  show(text: string): void;
  /** Replaces the whole screen; only where stdout is a terminal. */
  screen(text: string): void;
  readonly isLive: boolean;
  bold(text: string): string;
  dim(text: string): string;
}

export interface TerminalOptions {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
}

const BAR_CELLS = 24;

/** Asks the streams themselves what they are: a pipe gets no bar, no colour, no screen. */
export function createTerminal({ stdout, stderr, isJson, isQuiet }: TerminalOptions): Terminal {
  const isBarShown = stderr.isTTY && !isJson && !isQuiet;
  const style = (format: 'bold' | 'dim', text: string) => styleText(format, text, { stream: stdout });
  let isShowing = false;

  function clear(): void {
    if (!isShowing) return;
    cursorTo(stderr, 0);
    clearLine(stderr, 0);
    isShowing = false;
  }

  function line(text: string): void {
    clear();
    stdout.write(`${text}\n`);
  }

  return {
    isJson,
    isLive: stdout.isTTY && !isJson,
    line,
    value: (value) => line(JSON.stringify(value, undefined, isJson ? undefined : 2)),
    note(text) {
      clear();
      if (!isQuiet) stderr.write(`${text}\n`);
    },
    show(text) {
      if (!isBarShown) return;
      clear();
      // A terminal that does not tell its width says 0.
      stderr.write(text.slice(0, ((stderr as WriteStream).columns || 80) - 1));
      isShowing = text !== '';
    },
    screen(text) {
      cursorTo(stdout, 0, 0);
      clearScreenDown(stdout);
      stdout.write(`${text}\n`);
    },
    bold: (text) => style('bold', text),
    dim: (text) => style('dim', text),
  };
}

/** `████████░░░░  66 %`. */
export function bar(fraction: number): string {
  const cells = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_CELLS);
  const percent = String(Math.floor(fraction * 100)).padStart(3);
  return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${percent} %`;
}

/** `12.3 MB`. */
export function bytesText(bytes: number): string {
  const [unit, size] = ([['GB', 1e9] as const, ['MB', 1e6] as const, ['kB', 1e3] as const].find(
    ([, least]) => bytes >= least,
  ) ?? ['B', 1]) as readonly [string, number];
  return `${size === 1 ? bytes : (bytes / size).toFixed(1)} ${unit}`;
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
