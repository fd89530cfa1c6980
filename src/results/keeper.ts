import type { Log } from '../core/log.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Job } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import { toJobJson } from './job-json.ts';
import { outputKey } from './output.ts';
import { writeRecord } from './record.ts';

export interface KeeperOptions {
  readonly storage: Storage;
  readonly ledger: Ledger;
  readonly log: Log;
  /** Which process numbers the parts. */
  readonly epoch: string;
}

/** Writes the records of final jobs. */
export interface Keeper {
  /** Keeps a final job's record for later callers; a failure is logged, too. */
  keep(job: Job): Promise<void>;
  /** Resolves when the record that is being written is there; undefined: none is. */
  kept(id: string): Promise<void> | undefined;
}

export function createKeeper({ storage, ledger, log, epoch }: KeeperOptions): Keeper {
  const keeping = new Map<string, Promise<void>>();

  async function record(job: Job): Promise<void> {
    const isAccepted = ledger.isAccepted(job.id);
    try {
      // What a lasting record names must last as well; of other jobs the outputs are being removed meanwhile.
      if (isAccepted && job.status === 'succeeded') await storage.sync(outputKey(job.id, ''));
      await writeRecord(storage, { job: toJobJson(job, Date.now()), parts: job.parts, epoch }, isAccepted);
      if (isAccepted) await ledger.settle(job.id);
    } catch (error) {
      log.error({ err: error, job_id: job.id }, 'the record of a finished job could not be kept');
      throw error;
    }
  }

  return {
    keep(job) {
      const kept = record(job).finally(() => keeping.delete(job.id));
      keeping.set(job.id, kept);
      return kept;
    },
    kept: (id) => keeping.get(id),
  };
}
