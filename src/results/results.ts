import type { JobJson } from '../api.ts';
import { AppError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Job, Queue } from '../queue/queue.ts';
import type { BlobInfo, ByteRange, Storage } from '../storage/storage.ts';
import { toJobJson } from './job-json.ts';


export interface ResultsOptions {
  readonly queue: Queue;
  readonly storage: Storage;
  readonly log: Log;
}

/** A job's output file: `meta` holds its media type and sha256. */
export interface OutputFile {
  readonly info: BlobInfo;
  open(range?: ByteRange): Promise<AsyncIterable<Uint8Array>>;
}

/** Answers come back through here: waiting for an outcome, looking one up later, reading its files. */
export interface Results {
  /** Waits for the job's final state. Rejects with the signal's reason; the job goes on. */
  outcome(id: string, signal: AbortSignal): Promise<Job>;
  /** Live or stored. Errors: `not_found`, `gone`. */
  get(id: string): Promise<JobJson>;
  /** One output, as soon as it is stored. Error: `not_found`. */
  output(id: string, key: string): Promise<OutputFile>;
  /** Keeps a final job's record for later callers; a failure is logged, too. */
  keep(job: Job): Promise<void>;
}

export function createResults({ queue, storage, log }: ResultsOptions): Results {
  async function outcome(id: string, signal: AbortSignal): Promise<Job> {
    for await (const event of queue.watch(id, signal)) {
      if (event.type === 'done') return event.job;
    }
    throw new AppError('internal', `the events of job ${id} ended before the job did`);
  }

  async function get(id: string): Promise<JobJson> {
    const live = isId(id) ? queue.get(id) : undefined;
    if (live) return toJobJson(live, Date.now());
    const record = isId(id) ? await storage.stat(recordKey(id)) : undefined;
    if (record?.meta.job) return record.meta.job as JobJson;
    throw new AppError('not_found', `there is no job ${id.slice(0, 64)}; results are kept for the retention time only`);
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

  async function keep(job: Job): Promise<void> {
    try {
      const sink = await storage.create(recordKey(job.id), { durable: false });
      await sink.commit({ job: toJobJson(job, Date.now()) });
    } catch (error) {
      log.error({ err: error, job_id: job.id }, 'the record of a finished job could not be kept');
      throw error;
    }
  }

  return { outcome, get, output, keep };
}

function recordKey(id: string): string {
  return `jobs/${id}`;
}

/** Where a job's output rests. */
function outputKey(id: string, key: string): string {
  return `results/${id}/${key}`;
}
