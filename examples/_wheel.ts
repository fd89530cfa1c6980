import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FLAG = 'wheels-stopped';

/** Who turns, in whichever process, reads the time of the stop from the folder that all share. A file's own time is of a coarser clock. */
export function stopWheels(sharedDir: string): void {
  const draft = join(sharedDir, `${FLAG}-${process.hrtime.bigint()}`);
  writeFileSync(draft, String(Date.now()));
  renameSync(draft, join(sharedDir, FLAG));
}

/** Milliseconds since the epoch of the last stop; 0: there was none. */
export function lastStop(sharedDir: string): number {
  try {
    return Number(readFileSync(join(sharedDir, FLAG), 'utf8'));
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw err;
  }
}
