import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Keys of what lives in a data folder's log of notes (src/storage/disk-log.ts), read from outside. */
export function notesOf(dataDir: string): string[] {
  const path = join(dataDir, 'notes.log');
  const live = new Set<string>();
  if (!existsSync(path)) return [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, key, rest] = /^\["([^"]+)"([,\]])/.exec(line) ?? [];
    if (key === undefined) continue;
    if (rest === ',') live.add(key);
    else live.delete(key);
  }
  return [...live];
}
