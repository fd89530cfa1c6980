import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program that was started, serves, and is stopped again. */
export interface Child {
  readonly pid: number;
  /** What the pattern found in the program's output. */
  readonly matched: readonly string[];
  /** The end of what it printed, both streams. */
  output(): string;
  readonly hasExited: boolean;
  /** SIGTERM, and SIGKILL after `limitMs`. Resolves with the exit code, or the signal's name. */
  stop(limitMs?: number): Promise<string>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/** What to start and how to know that it serves. */
export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The program is ready when its output matches. */
  readonly ready: RegExp;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const READY_LIMIT_MS = 30_000;
const OUTPUT_KEPT = 32 * 1024;

/** Starts a program and waits for its sign of life. Errors: it ended, or said nothing that matches in 30 s. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { command, args, ready } = options;
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let output = '';
  const isReady = Promise.withResolvers<readonly string[]>();
  const take = (part: Buffer) => {
    output = (output + part.toString('latin1')).slice(-OUTPUT_KEPT);
    const match = ready.exec(output);
    if (match) isReady.resolve([...match]);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  child.on('error', (error) => isReady.reject(error));
  child.on('exit', (code, signal) => {
    isReady.reject(new Error(`${command} ${args.join(' ')} ended early (${signal ?? code}):\n${output}`));
  });
  const tooLate = () => isReady.reject(new Error(`${command} ${args.join(' ')} was not ready in 30 s:\n${output}`));
  const timer = setTimeout(tooLate, READY_LIMIT_MS);
  try {
    const matched = await isReady.promise;
    return describe(child, matched, () => output);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function describe(child: ChildProcess, matched: readonly string[], output: () => string): Child {
  const { pid } = child;
  if (pid === undefined) throw new Error('the program has no process id');
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    async kill() {
      if (ended()) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
    matched,
    output,
    get hasExited() {
      return ended();
    },
    async stop(limitMs = 45_000) {
      if (!ended()) {
        const exit = once(child, 'exit');
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
        await exit;
        clearTimeout(timer);
      }
      return child.signalCode ?? String(child.exitCode);
    },
  };
}
