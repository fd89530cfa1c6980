import { setTimeout as delay } from 'node:timers/promises';
import { AppError, toAppError } from '../core/errors.ts';
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
  /**
   * Keeps a final job's record for later callers. That of an accepted job is tried again until it is there, however long the disk
   * is full, since nobody may be told an outcome that a crash can take back; `say` is told why. What fails for good is logged and
   * thrown.
   */
  keep(job: Job, say?: (message: string) => void): Promise<void>;
  /** Resolves when the record that is being written is there; undefined: none is. */
  kept(id: string): Promise<void> | undefined;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** Of what more room on the disk does not help. */
const MAX_TRIES = 6;

export function createKeeper({ storage, ledger, log, epoch }: KeeperOptions): Keeper {
  const keeping = new Map<string, Promise<void>>();

  async function record(job: Job, say: (message: string) => void): Promise<void> {
    for (let tries = 1; ; tries++) {
      const isAccepted = ledger.isAccepted(job.id);
      try {
        return await (isAccepted ? recordAccepted(job) : write(job, false));
      } catch (error) {
        const fields = { err: error, job_id: job.id };
        const reason = toAppError(error);
        if (!isAccepted || (tries >= MAX_TRIES && reason.code !== 'storage_full')) {
          log.error(fields, 'the record of a finished job could not be kept');
          throw error;
        }
        log.warn(fields, 'the record of an accepted job could not be kept yet');
        say(`it has ended; its outcome is told as soon as it can be stored: ${reason.message}`);
        // Its run is over: a kill from here on is not that run's doing.
        if (tries === 1) await Promise.allSettled([ledger.excuse(job)]);
      }
      // A process that ends meanwhile leaves the job to the next one.
      await delay(Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS), undefined, { ref: false });
    }
  }

  async function recordAccepted(job: Job): Promise<void> {
    try {
      // What a lasting record names must last as well; of other jobs the outputs are being removed meanwhile.
      if (job.status === 'succeeded') await storage.sync(outputKey(job.id, ''));
      await write(job, true);
    } catch (error) {
      // An earlier try got so far.
      if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    }
    await ledger.settle(job.id);
  }

  async function write(job: Job, isDurable: boolean): Promise<void> {
    await writeRecord(storage, { job: toJobJson(job, Date.now()), parts: job.parts, epoch }, isDurable);
  }

  return {
    keep(job, say = () => undefined) {
      const kept = record(job, say).finally(() => keeping.delete(job.id));
      keeping.set(job.id, kept);
      return kept;
    },
    kept: (id) => keeping.get(id),
  };
}
