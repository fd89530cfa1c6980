import { decodeTime } from 'ulid';
import type { JobJson } from '../api.ts';
import { createDeadline } from '../core/deadline.ts';
import { AppError, type ErrorCode } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Job, Queue } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import { archiveJob } from './archive.ts';
import { createFeed, type Feed } from './feed.ts';
import { toJobJson } from './job-json.ts';
import { type JobPage, type JobQuery, listJobs } from './job-list.ts';
import { createKeeper, type Keeper } from './keeper.ts';
import { type OutputFile, outputKey } from './output.ts';
import { readRecord } from './record.ts';

export { type Acceptance, createAcceptance } from './acceptance.ts';
export type { Feed, FeedEvent } from './feed.ts';
export { createIdempotency, type Idempotency, type KeyClaim } from './idempotency.ts';
export { createInlineJobs, type InlineJobsFor } from './inline-jobs.ts';
export { toJobJson } from './job-json.ts';
export type { JobPage, JobQuery } from './job-list.ts';
export { removeOrphans } from './orphans.ts';
export { fileNameOf, type OutputFile } from './output.ts';
export { startRetention } from './retention.ts';
export { createShares, type Share, type Shares } from './shares.ts';
export { createTwins, fingerprint, type Twins, type Work } from './twins.ts';

export interface ResultsOptions {
  readonly queue: Queue;
  readonly storage: Storage;
  readonly ledger: Ledger;
  /** Seconds. */
  readonly retentionS: number;
  /** Names this process; the numbers of a job's parts hold within it. */
  readonly epoch: string;
  readonly log: Log;
}

export type JobOutcome = Pick<Job, 'id' | 'status' | 'result' | 'error'>;

/** Answers come back through here: waiting for an outcome, looking one up later, reading its files. */
export interface Results extends Keeper {
  /** Waits for the job's final state. Rejects with the signal's reason; the job goes on. */
  outcome(id: string, signal: AbortSignal): Promise<JobOutcome>;
  /** Live or stored. Errors: `not_found`, `gone`. */
  get(id: string): Promise<JobJson>;
  /** As `get`, once the job has ended or `ms` have passed. Error: the signal's reason, too. */
  wait(id: string, ms: number, signal: AbortSignal): Promise<JobJson>;
  /** The time of all who `wait` is up, from now on. */
  endWaits(): void;
  list(query: JobQuery): Promise<JobPage>;
  /** One output, as soon as it is stored. Errors: `not_found`, `gone`. */
  output(id: string, key: string): Promise<OutputFile>;
  /** All outputs as a zip, made as they come. Errors: `not_found`, `gone`, `conflict` (there is no result). */
  archive(id: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** What a job's followers are told. */
  readonly feed: Feed;
}

export function createResults(options: ResultsOptions): Results {
  const { queue, storage, ledger, epoch } = options;
  const lastCall = new AbortController();
  const waitedEnough = new AppError('deadline_exceeded', 'the job goes on');

  async function outcome(id: string, signal: AbortSignal): Promise<JobOutcome> {
    if (!queue.get(id)) return ended(await get(id));
    return await finish(id, signal);
  }

  async function finish(id: string, signal: AbortSignal): Promise<Job> {
    for await (const event of queue.watch(id, signal)) {
      if (event.type === 'done') return event.job;
    }
    throw new AppError('internal', `the events of job ${id} ended before the job did`);
  }

  async function get(id: string): Promise<JobJson> {
    const live = queue.get(id);
    if (live) return toJobJson(live, Date.now(), queue.place(id));
    const record = await readRecord(storage, id);
    if (record) return record.job;
    throw notFound(id, ledger.since, options.retentionS);
  }

  async function wait(id: string, ms: number, signal: AbortSignal): Promise<JobJson> {
    if (queue.get(id)) {
      using limit = createDeadline({ ms, parents: [signal, lastCall.signal], reason: waitedEnough });
      try {
        return toJobJson(await finish(id, limit.signal), Date.now());
      } catch (error) {
        if (error !== waitedEnough) throw error;
      }
    }
    return get(id);
  }

  async function output(id: string, key: string): Promise<OutputFile> {
    const info = isId(id) ? await storage.stat(outputKey(id, key)) : undefined;
    if (info) return { info, open: (range) => storage.open(info.key, range) };
    const job = await get(id);
    const isLive = job.status === 'queued' || job.status === 'running';
    throw new AppError(
      'not_found',
      `job ${id} has no ${key}${isLive ? ' yet' : ''}; its status is ${job.status}`,
      isLive ? { retryAfterS: 1 } : {},
    );
  }

  async function* outputs(id: string): AsyncGenerator<string> {
    const prefix = outputKey(id, '');
    for await (const { key } of storage.list(prefix)) yield key.slice(prefix.length);
  }

  async function archive(id: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { status } = await get(id);
    if (status !== 'succeeded' && status !== 'queued' && status !== 'running')
      throw new AppError('conflict', `job ${id} has no result: its status is ${status}`);
    return archiveJob({ feed, output, outputs }, id, signal);
  }

  const feed = createFeed({ queue, storage, epoch, get });
  return {
    outcome,
    get,
    wait,
    endWaits: () => lastCall.abort(waitedEnough),
    list: (query) => listJobs(queue, storage, query),
    output,
    archive,
    feed,
    ...createKeeper(options),
  };
}

function ended({ id, status, result, error }: JobJson): JobOutcome {
  return { id, status, result, error: error && new AppError(error.code as ErrorCode, error.detail) };
}

/** `gone` for an id that this server may have given out longer ago than it keeps results. */
function notFound(id: string, since: number, retentionS: number): AppError {
  const bornAt = isId(id) ? decodeTime(id) : 0;
  if (bornAt >= since && bornAt < Date.now() - retentionS * 1000)
    return new AppError('gone', `job ${id} has expired: results are kept for ${retentionS} s`);
  return new AppError('not_found', `there is no job ${id.slice(0, 64)}`);
}
