import type { JobJson, WebhookJson } from '../api.ts';
import { AppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { AddressGuard } from '../ingest/ingest.ts';
import type { Storage } from '../storage/storage.ts';
import { createDelivery, type Delivery } from './delivery.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { type Callback, createOwedList, type Owed, toWebhookJson } from './owed.ts';
import { checkTarget } from './target.ts';

export type { Callback } from './owed.ts';
export { openSecretFile } from './secret-file.ts';
export { parseSecrets } from './signature.ts';

/** Messages that are owed at once; each costs a small file and a few hundred bytes of memory. */
const MAX_OWED = 10_000;

export interface WebhooksOptions {
  readonly storage: Storage;
  readonly guard: AddressGuard;
  /** Of parseSecrets. */
  readonly keys: readonly Buffer[];
  /** Attempts for each message. */
  readonly maxAttempts: number;
  readonly log: Log;
  /** Live or ended. */
  readonly getJob: (id: string) => Promise<JobJson>;
  /** Makes the links of a job absolute. */
  readonly linkJob: (origin: string, job: JobJson) => JobJson;
}

/**
 * Tells the callers' own servers of the end of their jobs (https://www.standardwebhooks.com). A message that is owed is on
 * disk and survives the process; it may arrive more than once, always under the same `webhook-id`. Jobs never wait for it.
 */
export interface Webhooks {
  /** The URL as it will be called. Errors: `invalid_input`, `blocked_address`. */
  check(url: unknown): Promise<string>;
  /** Durable on return; once for each job and URL. Error: `queue_full`. */
  add(jobId: string, callback: Callback): Promise<void>;
  /** The job has its final state. */
  settled(job: JobJson): void;
  of(jobId: string): Promise<readonly WebhookJson[]>;
  /** Goes on with what the last process owed. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const outbox: Outbox = createOutbox(options.storage);
  const delivery: Delivery = createDelivery(options);
  const list = createOwedList();

  async function add(jobId: string, callback: Callback): Promise<void> {
    if (list.size >= MAX_OWED)
      throw new AppError('queue_full', `${list.size} webhooks are still to be delivered; try again later`, {
        retryAfterS: 30,
      });
    const entry = list.hold(jobId, callback);
    try {
      await outbox.write(entry);
    } catch (error) {
      if (!entry.isStarted) list.drop(entry);
      throw error;
    }
    // It may have ended before it was known that somebody wants to be told.
    const job = await options.getJob(jobId);
    if (isEnded(job)) settled(job);
  }

  function settled(job: JobJson): void {
    for (const entry of list.of(job.id)) {
      if (entry.isStarted) continue;
      entry.isStarted = true;
      void deliver(entry, job);
    }
  }

  async function deliver(entry: Owed, job: JobJson): Promise<void> {
    const { log } = options;
    try {
      const outcome = await delivery.run(entry, job);
      await outbox.finish(entry, outcome);
      if (outcome === 'failed') log.warn({ job_id: entry.jobId, error: entry.lastError }, 'a webhook was given up');
      list.drop(entry);
    } catch (error) {
      // Owed still: the next process sends it.
      if (!delivery.isClosed) log.error({ err: error, job_id: entry.jobId }, 'a webhook could not be sent');
    }
  }

  async function recover(): Promise<void> {
    for await (const { jobId, callback } of outbox.owed()) {
      const job = await known(jobId);
      const entry = list.hold(jobId, callback);
      if (job === undefined) {
        list.drop(entry);
        await outbox.forget(entry);
      } else if (isEnded(job)) settled(job);
    }
  }

  /** undefined: it died with the last process, or has expired. */
  async function known(jobId: string): Promise<JobJson | undefined> {
    try {
      return await options.getJob(jobId);
    } catch (error) {
      if (error instanceof AppError && (error.code === 'not_found' || error.code === 'gone')) return undefined;
      throw error;
    }
  }

  async function of(jobId: string): Promise<readonly WebhookJson[]> {
    const waiting = list.of(jobId).map((entry) => toWebhookJson(entry, 'pending'));
    return [...(await outbox.finished(jobId)), ...waiting];
  }

  return {
    check: (url) => checkTarget(url, options.guard),
    add,
    settled,
    of,
    recover,
    close: delivery.close,
  };
}

function isEnded({ status }: JobJson): boolean {
  return status !== 'queued' && status !== 'running';
}
