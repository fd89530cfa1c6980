import { closeSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../harness/lab.ts';
import { readFreeMemory } from '../harness/process-stats.ts';

const PIECE = Buffer.alloc(4 * 2 ** 20);
const SPARSE_BYTES = 2 ** 40;
/** The kernel keeps some memory free whatever is read. */
const SPARE_BYTES = 256 * 2 ** 20;

/**
 * Returns a function that fills free memory with clean page cache, as it is on any server that has run for a day.
 * Without it a virtual machine measures its host: free pages are handed back to it (free page reporting), and the first
 * touch of each cost 12 microseconds where this was found, ten times what it takes to write the page.
 */
export async function createMemoryWarmer(lab: Lab): Promise<() => void> {
  const file = openSync(join(await lab.folder('warm'), 'sparse'), 'w+');
  ftruncateSync(file, SPARSE_BYTES);
  lab.defer(() => closeSync(file));
  let at = 0;
  return () => {
    // Holes cost no disk; each stretch is read once only, so that it is never in the cache already.
    const end = at + Math.max(0, readFreeMemory() - SPARE_BYTES);
    while (at < end) at += readSync(file, PIECE, 0, PIECE.length, at % (SPARSE_BYTES - PIECE.length));
  };
}
