import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** How a program ended and what it said, at most 8 MiB of each. */
export interface Finished {
  /** Exit code; a signal's name when it was ended. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a program lies, the system folders included that are not on everybody's PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: both mean that it cannot be used.
    return false;
  }
}

/** Runs a program to its end; it is killed when the signal aborts. */
export function runProgram(command: string, args: readonly string[], signal: AbortSignal): Promise<Finished> {
  const { promise, resolve } = Promise.withResolvers<Finished>();
  const options = { signal, maxBuffer: 8 * 2 ** 20, encoding: 'utf8' } as const;
  const child = execFile(command, [...args], options, (error, stdout, stderr) => {
    const code = child.exitCode ?? child.signalCode ?? error?.message ?? 'not started';
    resolve({ code, stdout, stderr });
  });
  return promise;
}

/** The same, and its output. Error: it did not exit with 0. */
export async function mustRun(command: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, args, signal);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim() || stdout.trim() || code}`);
  return stdout;
}
