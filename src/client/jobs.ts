import type { JobJson, JobListJson, JobStatusJson } from '../api.ts';
import type { RunOptions } from './call.ts';
import type { Requester } from './requester.ts';
import { deleteJob, type Run, startRun } from './run.ts';

export interface Wait {
  readonly signal?: AbortSignal;
}

export interface JobFilter {
  readonly task?: string;
  readonly status?: JobStatusJson;
  /** The `next` of the page before. */
  readonly after?: string;
  readonly limit?: number;
}

/** Looking at jobs by their ids, whoever has started them. */
export interface Jobs {
  /** With `waitS`: as soon as it has ended, or that many seconds have passed. */
  get(id: string, options?: Wait & { readonly waitS?: number }): Promise<JobJson>;
  /** Newest first. */
  list(filter?: JobFilter, options?: Wait): Promise<JobListJson>;
  /** One outcome, however often it is called. */
  cancel(id: string, options?: Wait): Promise<JobJson>;
  /** The run of a job that somebody else, or an earlier process, has started. Its signal's abort cancels the job. */
  follow<Result = unknown>(id: string, options?: Pick<RunOptions, 'signal' | 'onEvent'>): Run<Result>;
}

/** The connection is given so much longer than the server was asked to wait. */
const SLACK_MS = 30_000;

export function createJobs(requester: Requester): Jobs {
  const pathOf = (id: string) => `/v1/jobs/${encodeURIComponent(id)}`;

  function get(id: string, { waitS, signal }: Wait & { readonly waitS?: number } = {}): Promise<JobJson> {
    const wait = waitS === undefined ? '' : `?wait=${waitS}`;
    return requester.json(`${pathOf(id)}${wait}`, { signal, limitMs: (waitS ?? 0) * 1000 + SLACK_MS });
  }

  function list(filter: JobFilter = {}, { signal }: Wait = {}): Promise<JobListJson> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value));
    return requester.json(`/v1/jobs?${query}`, { signal });
  }

  return {
    get,
    list,
    cancel: (id, { signal } = {}) => deleteJob(requester, id, signal),
    follow: (id, { signal, onEvent } = {}) =>
      startRun({ requester, accept: async (tools) => ({ job: await get(id, tools) }), signal, onEvent }),
  };
}
