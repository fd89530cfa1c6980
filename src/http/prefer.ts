import { AppError } from '../core/errors.ts';
import type { Exchange } from './exchange.ts';

/** How long the caller wants to wait for a job, and what is to happen then. */
export interface Wish {
  /** How long the answer may take once the body is there; less where `deadlineAt` comes first. */
  readonly waitMs: number;
  /** end: 504, and the job is stopped; tell: 504 with the job's id, and it goes on; hand-over: 202 and the job. */
  readonly onTimeout: 'end' | 'tell' | 'hand-over';
  /**
   * `?deadline=`, counted from the start of the call, so that it bounds the upload, too: milliseconds since the epoch. With
   * `hand-over` it is the job's own end, else the answer's.
   */
  readonly deadlineAt: number | undefined;
}

export interface WishLimits {
  /** Seconds: of the task, and the most that anybody may ask for. */
  readonly deadlineS: number;
  readonly maxDeadlineS: number;
  /** The task is answered at once where its caller says nothing else. */
  readonly isAsync?: boolean;
}

/** Query parameters that a wish is made of. */
export const WISH_PARAMETERS = ['deadline', 'on_timeout'] as const;

const SECONDS = /^\d{1,9}(\.\d{1,9})?$/;

/** Reads `?deadline=`, `?on_timeout=` and `Prefer`, and says which preferences were applied. Error: `invalid_input`. */
export function readWish(exchange: Exchange, { deadlineS, maxDeadlineS, isAsync: isUsual = false }: WishLimits): Wish {
  const asked = askedDeadline(exchange);
  const deadlineMs = asked === undefined ? undefined : Math.min(asked, maxDeadlineS) * 1000;
  const deadlineAt = deadlineMs === undefined ? undefined : Date.now() + deadlineMs;
  const onTimeout = exchange.query.get('on_timeout') ?? 'cancel';
  if (onTimeout !== 'cancel' && onTimeout !== 'continue')
    throw new AppError('invalid_input', `on_timeout=${onTimeout.slice(0, 64)}: expected cancel or continue`);
  const { isAsync, waitS } = readPrefer(exchange);
  if (isAsync || waitS !== undefined) {
    const waitMs = Math.min(waitS ?? 0, maxDeadlineS) * 1000;
    exchange.setHeader('preference-applied', appliedPreferences(isAsync, waitS === undefined ? undefined : waitMs));
    return { waitMs, onTimeout: 'hand-over', deadlineAt };
  }
  if (isUsual && onTimeout === 'cancel') return { waitMs: 0, onTimeout: 'hand-over', deadlineAt };
  const waitMs = deadlineMs ?? Math.min(deadlineS, maxDeadlineS) * 1000;
  return { waitMs, onTimeout: onTimeout === 'continue' ? 'tell' : 'end', deadlineAt };
}

/** Of `Prefer: wait=`, in milliseconds, the preference marked as applied; undefined: there is none. */
export function preferredWaitMs(exchange: Exchange, maxMs: number): number | undefined {
  const { waitS } = readPrefer(exchange);
  if (waitS === undefined) return undefined;
  const waitMs = Math.min(waitS * 1000, maxMs);
  exchange.setHeader('preference-applied', appliedPreferences(false, waitMs));
  return waitMs;
}

/** `Prefer: respond-async` or `wait=`: the answer is the whole result or the job, no items. */
export function prefersJob(exchange: Exchange): boolean {
  const { isAsync, waitS } = readPrefer(exchange);
  return isAsync || waitS !== undefined;
}

/** `?deadline=` in seconds, decimals allowed. */
function askedDeadline(exchange: Exchange): number | undefined {
  const text = exchange.query.get('deadline');
  if (text === null) return undefined;
  const seconds = SECONDS.test(text) ? Number(text) : 0;
  if (seconds > 0) return seconds;
  throw new AppError('invalid_input', `deadline=${text.slice(0, 64)}: expected seconds above 0, as in 2.5`);
}

/** RFC 7240 section 2: what is unknown or malformed is ignored, and of a repeated preference the first counts. */
function readPrefer(exchange: Exchange): { isAsync: boolean; waitS: number | undefined } {
  const preferences = new Map<string, string>();
  for (const preference of exchange.headers('prefer').join(',').split(',')) {
    const [token = ''] = preference.split(';');
    const [name = '', value = ''] = token.split('=');
    const key = name.trim().toLowerCase();
    if (!preferences.has(key)) preferences.set(key, value.trim().replace(/^"(.*)"$/, '$1'));
  }
  const wait = preferences.get('wait') ?? '';
  return { isAsync: preferences.has('respond-async'), waitS: SECONDS.test(wait) ? Number(wait) : undefined };
}

function appliedPreferences(isAsync: boolean, waitMs: number | undefined): string {
  return [...(isAsync ? ['respond-async'] : []), ...(waitMs === undefined ? [] : [`wait=${waitMs / 1000}`])].join(', ');
}
