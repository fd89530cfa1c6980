import type { JobListJson } from '../../api.ts';
import { AppError } from '../../core/errors.ts';
import type { Queue } from '../../queue/queue.ts';
import { fileNameOf, type Results } from '../../results/results.ts';
import type { Webhooks } from '../../webhooks/webhooks.ts';
import type { Admission } from '../admission.ts';
import { replyBlob } from '../blob.ts';
import type { Exchange } from '../exchange.ts';
import { readJobQuery, wantedWaitMs } from '../job-query.ts';
import { linkJob, linkResult } from '../links.ts';
import type { Route } from '../route.ts';
import { owned } from './owned.ts';

export interface JobRoutesOptions {
  readonly queue: Queue;
  readonly results: Results;
  readonly webhooks: Webhooks;
  readonly admission: Admission;
}

/** What the record of a cancelled job may take on a disk that is slow. */
const MAX_SETTLE_MS = 30_000;

type Params = Readonly<Record<string, string>>;

/** Looking at jobs, cancelling them, and reading what they made. */
export function jobRoutes({ queue, results, webhooks, admission }: JobRoutesOptions): readonly Route[] {
  async function show(exchange: Exchange, { id = '' }: Params): Promise<void> {
    const waitMs = wantedWaitMs(exchange);
    const job = waitMs > 0 ? await results.wait(id, waitMs, exchange.signal) : await results.get(id);
    const told = await webhooks.of(job.id);
    const json = { ...linkJob(exchange, job), ...(told.length > 0 ? { webhooks: told } : {}) };
    exchange.replyJson(200, json, [['cache-control', 'no-store']]);
  }

  async function list(exchange: Exchange): Promise<void> {
    const caller = admission.identify(exchange);
    const { jobs, next } = await results.list({ ...readJobQuery(exchange.query), caller });
    const json: JobListJson = { jobs: jobs.map((job) => linkJob(exchange, job)), next: next ?? null };
    exchange.replyJson(200, json, [['cache-control', 'no-store']]);
  }

  async function cancel(exchange: Exchange, { id = '' }: Params): Promise<void> {
    queue.cancel(id, new AppError('cancelled', 'the job was cancelled by request'));
    // Told when it is on record: no crash takes the outcome back.
    exchange.replyJson(200, linkJob(exchange, await results.wait(id, MAX_SETTLE_MS, exchange.signal)));
  }

  async function result(exchange: Exchange, { id = '' }: Params): Promise<void> {
    const job = await results.get(id);
    if (job.status !== 'succeeded')
      throw new AppError('conflict', `job ${id} has no result: its status is ${job.status}`);
    exchange.replyJson(200, linkResult(exchange, id, job.result));
  }

  async function page(exchange: Exchange, { id = '', page: number = '' }: Params): Promise<void> {
    if (!/^[1-9]\d{0,6}$/.test(number))
      throw new AppError('not_found', `a page is a number from 1, not ${number.slice(0, 64)}`);
    const { info, open } = await results.output(id, `pages/${number}`);
    const mediaType = String(info.meta.mediaType);
    const name = fileNameOf(`pages/${number}`, mediaType);
    const sha256 = String(info.meta.sha256);
    await replyBlob(exchange, { size: info.size, sha256, mediaType, name, disposition: 'inline', open });
  }

  async function file(exchange: Exchange, { id = '', file: number = '' }: Params): Promise<void> {
    if (!/^[1-9]\d{0,6}$/.test(number))
      throw new AppError('not_found', `a file is a number from 1, not ${number.slice(0, 64)}`);
    const { info, open } = await results.output(id, `files/${number}`);
    const { mediaType, sha256, name } = info.meta;
    const facts = { size: info.size, sha256: String(sha256), mediaType: String(mediaType), name: String(name) };
    await replyBlob(exchange, { ...facts, disposition: 'inline', open });
  }

  const one: readonly Route[] = [
    { method: 'GET', path: '/v1/jobs/{id}', handle: show },
    { method: 'DELETE', path: '/v1/jobs/{id}', handle: cancel },
    { method: 'GET', path: '/v1/jobs/{id}/result', handle: result },
    { method: 'GET', path: '/v1/jobs/{id}/pages/{page}', handle: page },
    { method: 'GET', path: '/v1/jobs/{id}/files/{file}', handle: file },
  ];
  return [{ method: 'GET', path: '/v1/jobs', handle: list }, ...owned(one, { admission, find: results.get })];
}
