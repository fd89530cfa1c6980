import type { JobStatusJson } from '../api.ts';
import { AppError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import type { JobQuery } from '../results/results.ts';
import type { Exchange } from './exchange.ts';
import { preferredWaitMs } from './prefer.ts';

/** A poll that waits longer than proxies usually do would be cut off. */
const MAX_POLL_MS = 60_000;
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

const STATUSES: Readonly<Record<JobStatusJson, true>> = {
  queued: true,
  running: true,
  succeeded: true,
  failed: true,
  cancelled: true,
  timed_out: true,
};

/** `?wait=` or `Prefer: wait=`, in milliseconds; more than a minute counts as a minute. Error: `invalid_input`. */
export function wantedWaitMs(exchange: Exchange): number {
  const text = exchange.query.get('wait');
  if (text === null) return preferredWaitMs(exchange, MAX_POLL_MS) ?? 0;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text))
    throw new AppError('invalid_input', `wait=${text.slice(0, 64)}: expected seconds, as in 10`);
  return Math.min(Number(text) * 1000, MAX_POLL_MS);
}

/** `?task=&status=&after=&limit=`. Error: `invalid_input`. */
export function readJobQuery(query: URLSearchParams): JobQuery {
  const status = query.get('status') ?? undefined;
  if (status !== undefined && !Object.hasOwn(STATUSES, status))
    throw new AppError('invalid_input', `status=${status.slice(0, 64)}: expected ${Object.keys(STATUSES).join(', ')}`);
  const after = query.get('after') ?? undefined;
  if (after !== undefined && !isId(after))
    throw new AppError('invalid_input', `after=${after.slice(0, 64)}: expected the id of a job, as \`next\` gives it`);
  const limit = query.get('limit') ?? String(DEFAULT_LIMIT);
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > MAX_LIMIT)
    throw new AppError('invalid_input', `limit=${limit.slice(0, 64)}: expected a number from 1 to ${MAX_LIMIT}`);
  return { task: query.get('task') ?? undefined, status, after, limit: Number(limit) };
}
