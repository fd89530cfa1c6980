import { renameSync, statSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { systemCode } from '../core/errors.ts';

/** A small file to be written, and the names that it and what belongs to it then get. */
export interface QuickFile {
  /** Nothing is done where it exists. */
  readonly absent: string;
  /** A new file. */
  readonly path: string;
  readonly text: string;
  /** From and to, in order; ends early where the folder of a new name does not exist. */
  readonly moves: readonly (readonly [string, string])[];
}

export interface QuickOutcome {
  /** Names that were given. */
  readonly moved: number;
  readonly isTaken?: boolean;
  readonly error?: Error;
  /** What a message does not keep of the error. */
  readonly facts?: { readonly code: string | undefined; readonly errno: unknown };
}

/** Entry of the thread that quick-files.ts starts. */
function serve(port: NonNullable<typeof parentPort>): void {
  port.on('message', (files: readonly QuickFile[]) => port.postMessage(files.map(write)));
}

function write({ absent, path, text, moves }: QuickFile): QuickOutcome {
  let moved = 0;
  try {
    if (statSync(absent, { throwIfNoEntry: false })) return { moved, isTaken: true };
    writeFileSync(path, text, { flag: 'wx' });
    for (const [from, to] of moves) {
      if (!move(from, to)) break;
      moved += 1;
    }
    return { moved };
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    return { moved, error: reason, facts: { code: systemCode(reason), errno: Reflect.get(reason, 'errno') } };
  }
}

/** false: a folder is missing. */
function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

if (parentPort) serve(parentPort);
