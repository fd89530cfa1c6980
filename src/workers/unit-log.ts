import { pino } from 'pino';
import type { Log, LogOptions } from '../core/log.ts';
import type { FromWorker, LogLevel } from './protocol.ts';

/** What one unit may write into the server's log; the rest is counted and dropped. */
const MAX_CHARS = 65_536;
const MAX_LINE_CHARS = 4096;
/** What even the shortest line costs. */
const MIN_LINE_CHARS = 64;

type LogMessage = Extract<FromWorker, { type: 'log' }>;

export interface UnitLog {
  readonly log: Log;
  /** For what the task prints: each line becomes one of the log. */
  print(level: LogLevel, text: string): void;
  /** Says how much was dropped. */
  end(): void;
}

/** The log of one unit, sent to the pool as messages, bounded whatever the task writes. */
export function createUnitLog(
  options: LogOptions,
  fields: LogMessage['fields'],
  send: (message: LogMessage) => void,
): UnitLog {
  let leftChars = MAX_CHARS;
  let droppedChars = 0;

  const write = (level: LogLevel, text: string, more: LogMessage['fields']) => {
    leftChars -= Math.max(text.length, MIN_LINE_CHARS);
    send({ type: 'log', level, text: text.slice(0, MAX_LINE_CHARS), fields: { ...fields, ...more } });
  };
  const isFull = (chars: number) => {
    if (leftChars >= chars) return false;
    droppedChars += chars;
    return true;
  };
  const writeRecord = (line: string) => {
    if (isFull(line.length)) return;
    const { level, msg, ...more } = JSON.parse(line);
    leftChars -= line.length;
    write(pino.levels.labels[level] as LogLevel, String(msg ?? ''), more);
  };
  const print = (level: LogLevel, text: string) => {
    for (const line of isFull(text.length) ? [] : text.split('\n')) {
      if (line !== '' && !isFull(MIN_LINE_CHARS)) write(level, line, {});
    }
  };
  const end = () => {
    if (droppedChars === 0) return;
    write('warn', `the task wrote more than it may into the log; ${droppedChars} characters were dropped`, {});
  };
  const log = pino({ base: null, timestamp: false, level: options.level }, { write: writeRecord });
  return { log, print, end };
}
