import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'flush'>;

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'pretty' | 'json';
}

/** Structured log on stderr; stdout stays free for what a person or a script asked for. */
export function createLog({ level, format }: LogOptions): Log {
  const base = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === 'json') return pino({ ...base, level }, pino.destination({ dest: 2, sync: true }));
  const stream = pretty({ destination: 2, sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' });
  return pino({ ...base, level }, stream);
}
