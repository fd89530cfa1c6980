import { setFlagsFromString } from 'node:v8';

/** V8 and libuv read these once, when the process starts, so they cannot be settings. */
export const V8_FLAGS = [
  // What thousands of waiting uploads leave behind outlives the young generation. By its own measure V8 lets it pile up to
  // hundreds of MB before it looks; measured with 2,000 uploads at 2 KB/s: idle + 208 MiB, so told, idle + 70 to 95.
  '--max-semi-space-size=8',
  '--initial-old-space-size=32',
  '--heap-growing-percent=20',
];
/** An fdatasync holds a thread of the pool for as long as the disk takes, and four of them would hold every other file. */
const ENVIRONMENT = { UV_THREADPOOL_SIZE: '16' };

export interface Start {
  /** Arguments of Node itself. */
  readonly execArgv: readonly string[];
  /** The script and its arguments. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** How the process should have been started; undefined: just as it was. What its caller has set himself wins. */
export function tunedStart({ execArgv, argv, env }: Start): Start | undefined {
  if (V8_FLAGS.every((flag) => execArgv.includes(flag))) return undefined;
  return { execArgv: [...V8_FLAGS, ...execArgv], argv, env: { ...ENVIRONMENT, ...env } };
}

/**
 * Starts Node anew in this very process (execve: same id, same descriptors) where it was started without what it needs,
 * however it was started. Not where a parent holds an IPC channel, which would be lost: under `node --watch`.
 */
export function restartTuned(): void {
  const { execPath, execArgv, argv, env } = process;
  const start = tunedStart({ execArgv, argv: argv.slice(1), env });
  if (!start || process.send || !process.execve) return;
  process.execve(execPath, [execPath, ...start.execArgv, ...start.argv], start.env);
}

/**
 * For uWS, which keeps what a connection needs outside of V8's heap: there is room for rarer collections. Measured with 2,000
 * uploads at 2 KB/s: the p99 of a 1 MB upload beside them from 134 ms to 49 and 112, idle + 40 MiB to idle + 70. node:http
 * would pass idle + 120 by it. V8 reads this flag at each collection.
 */
export function collectLessOften(): void {
  setFlagsFromString('--heap-growing-percent=60');
}
