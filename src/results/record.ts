import type { JobJson } from '../api.ts';
import { isId } from '../core/ids.ts';
import type { Part } from '../queue/queue.ts';
import type { BlobInfo, ListOptions, Storage } from '../storage/storage.ts';

/** Prefix of the records' keys. */
export const RECORDS = 'jobs/';

/** What is kept of a job that has ended. */
export interface JobRecord {
  readonly job: JobJson;
  /** In the order in which they were finished. */
  readonly parts: readonly Part[];
  /** Which process numbered the parts. */
  readonly epoch: string;
}

export async function readRecord(storage: Storage, id: string): Promise<JobRecord | undefined> {
  const info = isId(id) ? await storage.stat(RECORDS + id) : undefined;
  return info && fromInfo(info);
}

/** Error: `conflict`, when the job has a record: its first outcome stays. */
export async function writeRecord(storage: Storage, record: JobRecord, isDurable: boolean): Promise<void> {
  const sink = await storage.create(RECORDS + record.job.id, { durable: isDurable });
  await sink.commit({ ...record });
}

export interface RecordQuery {
  /** A job's id: only older ones. */
  readonly after: string | undefined;
  readonly isWanted: (id: string) => boolean;
}

/** Newest first. */
export async function* listRecords(storage: Storage, { after, isWanted }: RecordQuery): AsyncGenerator<JobRecord> {
  const options: ListOptions = {
    isReversed: true,
    isWanted: (key) => isWanted(key.slice(RECORDS.length)),
    ...(after === undefined ? {} : { after: RECORDS + after }),
  };
  for await (const info of storage.list(RECORDS, options)) yield fromInfo(info);
}

/** When the job of a record ended: milliseconds since the epoch; NaN where it does not tell. */
export function endOf(info: BlobInfo): number {
  const { job }: Partial<JobRecord> = fromInfo(info);
  return Date.parse(job?.finished_at ?? '');
}

function fromInfo({ meta }: BlobInfo): JobRecord {
  const { job, parts = [], epoch = '' } = meta as unknown as Partial<JobRecord> & Pick<JobRecord, 'job'>;
  return { job, parts, epoch };
}
