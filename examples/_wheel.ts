import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Who turns, in whichever process, sees the flag in the folder that all share. */
export function stopWheels(sharedDir: string): void {
  writeFileSync(join(sharedDir, 'wheels-stopped'), '');
}

/** Milliseconds since the epoch of the last stop; 0: there was none. */
export function lastStop(sharedDir: string): number {
  return statSync(join(sharedDir, 'wheels-stopped'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
