import type { Log } from '../core/log.ts';
import type { Storage } from '../storage/storage.ts';
import { readRecord } from './record.ts';

const RESULTS = 'results/';

export interface OrphansOptions {
  readonly storage: Storage;
  /** An id that all later jobs come after: theirs is left alone. */
  readonly before: string;
  readonly isLive: (jobId: string) => boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Removes the outputs of jobs that died with the last process and that nobody was promised. Error: the signal's reason. */
export async function removeOrphans({ storage, before, isLive, log, signal }: OrphansOptions): Promise<number> {
  const isOwned = new Map<string, boolean>();
  const idOf = (key: string) => key.slice(RESULTS.length).split('/')[0] ?? '';
  // One output of a job is enough to ask for its owner.
  const isWanted = (key: string) => idOf(key) < before && isOwned.get(idOf(key)) !== true;
  let removed = 0;
  // What a crash leaves is among the newest.
  for await (const { key, meta } of storage.list(RESULTS, { isReversed: true, isWanted })) {
    signal.throwIfAborted();
    const id = idOf(key);
    if (meta.isOfCall) isOwned.set(id, true);
    if (!isOwned.has(id)) isOwned.set(id, isLive(id) || (await readRecord(storage, id)) !== undefined);
    // A job may begin anew meanwhile: an upload of earlier that is completed now.
    if (isOwned.get(id) || isLive(id)) continue;
    await storage.delete(key);
    removed += 1;
  }
  if (removed > 0) log.info({ removed }, 'outputs of jobs that died with the last process were removed');
  return removed;
}
