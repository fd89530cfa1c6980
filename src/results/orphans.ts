import type { Log } from '../core/log.ts';
import type { Storage } from '../storage/storage.ts';
import { readRecord } from './record.ts';

const RESULTS = 'results/';
/** What a crash leaves is among the newest outputs: no need to look through all that is kept. */
const MAX_LOOKED_AT = 20_000;

export interface OrphansOptions {
  readonly storage: Storage;
  /** An id that all later jobs come after: theirs is left alone. */
  readonly before: string;
  readonly isLive: (jobId: string) => boolean;
  readonly log: Log;
}

/** Removes the outputs of jobs that died with the last process and that nobody was promised. */
export async function removeOrphans({ storage, before, isLive, log }: OrphansOptions): Promise<number> {
  const known = new Map<string, boolean>();
  let removed = 0;
  for await (const { key } of storage.list(RESULTS, { isReversed: true, limit: MAX_LOOKED_AT })) {
    const id = key.slice(RESULTS.length).split('/')[0] ?? '';
    if (id >= before) continue;
    const isOwned = known.get(id) ?? (isLive(id) || (await readRecord(storage, id)) !== undefined);
    known.set(id, isOwned);
    if (isOwned) continue;
    await storage.delete(key);
    removed += 1;
  }
  if (removed > 0) log.info({ removed }, 'outputs of jobs that died with the last process were removed');
  return removed;
}
