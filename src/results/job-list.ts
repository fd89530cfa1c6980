import type { JobJson } from '../api.ts';
import { mayUse } from '../core/owner.ts';
import type { Queue } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import { toJobJson } from './job-json.ts';
import { listRecords, type RecordQuery } from './record.ts';

/** Records that one call looks at: a filter that matches few does not read the whole disk. */
const MAX_LOOKED_AT = 2000;

export interface JobQuery {
  readonly task?: string | undefined;
  readonly status?: string | undefined;
  /** A job's id: only older ones. */
  readonly after?: string | undefined;
  readonly limit: number;
  /** Only what this caller may see. */
  readonly caller?: string | undefined;
}

export interface JobPage {
  readonly jobs: readonly JobJson[];
  /** `after` of the next page; undefined: this is the last. */
  readonly next: string | undefined;
}

/** Live and ended jobs, newest first, without their results, which may be large. A page may be short of its limit and still not be the last. */
export async function listJobs(queue: Queue, storage: Storage, query: JobQuery): Promise<JobPage> {
  const jobs: JobJson[] = [];
  let lookedAt = 0;
  let last: string | undefined;
  for await (const job of merge(queue, storage, { after: query.after, isWanted: (id) => mayUse(query.caller, id) })) {
    if (jobs.length === query.limit || lookedAt === MAX_LOOKED_AT) return { jobs, next: last };
    lookedAt += 1;
    last = job.id;
    const isWanted = (query.task ?? job.task) === job.task && (query.status ?? job.status) === job.status;
    if (isWanted) jobs.push(withoutResult(job));
  }
  return { jobs, next: undefined };
}

function withoutResult({ result: _, ...job }: JobJson): JobJson {
  return job;
}

async function* merge(queue: Queue, storage: Storage, query: RecordQuery): AsyncGenerator<JobJson> {
  const now = Date.now();
  const live = queue
    .list()
    .filter(({ id }) => (query.after === undefined || id < query.after) && query.isWanted(id))
    .sort((a, b) => (a.id < b.id ? 1 : -1));
  let next = 0;
  for await (const { job } of listRecords(storage, query)) {
    for (let other = live[next]; other && other.id >= job.id; other = live[++next]) {
      if (other.id !== job.id) yield toJobJson(other, now, queue.place(other.id));
    }
    yield job;
  }
  for (const job of live.slice(next)) yield toJobJson(job, now, queue.place(job.id));
}
