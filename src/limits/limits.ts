import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../core/errors.ts';

export { createDiskWatch, type DiskWatch } from './disk-watch.ts';

const WINDOW_S = 60;
/** Told to a caller when all upload places are taken: uploads end one by one, so a place is free soon. */
const UPLOAD_RETRY_AFTER_S = 2;

export interface LimitsOptions {
  /** Calls per minute of one caller; 0: no limit. */
  readonly rateLimit: number;
  /** Uploads at once, in all and of one caller; 0: one caller may have all. */
  readonly maxUploads: number;
  readonly maxCallerUploads: number;
}

/** What is left of a caller's minute, after this call. */
export interface RateState {
  readonly limit: number;
  readonly windowS: number;
  readonly remaining: number;
  readonly resetS: number;
}

export interface Limits {
  /** Counts one call; undefined when the limit is off. Error: `rate_limited` as RateLimited. */
  countCall(caller: string): Promise<RateState | undefined>;
  /** Takes an upload place and returns its release (idempotent). Error: `too_many_uploads` with Retry-After. */
  takeUpload(caller: string): () => void;
  uploads(): { readonly active: number; readonly free: number };
}

export function createLimits({ rateLimit, ...uploads }: LimitsOptions): Limits {
  const limiter = rateLimit > 0 ? new RateLimiterMemory({ points: rateLimit, duration: WINDOW_S }) : undefined;

  async function countCall(caller: string): Promise<RateState | undefined> {
    if (!limiter) return undefined;
    try {
      return rateState(await limiter.consume(caller), rateLimit);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      throw new RateLimited(rateState(error, rateLimit));
    }
  }

  return { countCall, ...createUploadPlaces(uploads) };
}

function createUploadPlaces(options: Omit<LimitsOptions, 'rateLimit'>): Pick<Limits, 'takeUpload' | 'uploads'> {
  const { maxUploads, maxCallerUploads } = options;
  const byCaller = new Map<string, number>();
  let active = 0;

  function takeUpload(caller: string): () => void {
    const own = byCaller.get(caller) ?? 0;
    if (active >= maxUploads) throw tooManyUploads(`${maxUploads} uploads are running, as many as the server takes`);
    if (own >= (maxCallerUploads || maxUploads))
      throw tooManyUploads(`${own} of your uploads are running, as many as one caller may have`);
    active += 1;
    byCaller.set(caller, own + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      active -= 1;
      const left = (byCaller.get(caller) ?? 1) - 1;
      if (left > 0) byCaller.set(caller, left);
      else byCaller.delete(caller);
    };
  }

  return { takeUpload, uploads: () => ({ active, free: maxUploads - active }) };
}

function tooManyUploads(what: string): AppError {
  return new AppError('too_many_uploads', `${what}; try again shortly`, { retryAfterS: UPLOAD_RETRY_AFTER_S });
}

function rateState(res: RateLimiterRes, limit: number): RateState {
  const resetS = Math.max(1, Math.ceil(res.msBeforeNext / 1000));
  return { limit, windowS: WINDOW_S, remaining: Math.max(0, res.remainingPoints), resetS };
}

/** `rate_limited` with the state that the RateLimit headers need. */
export class RateLimited extends AppError {
  readonly rate: RateState;

  constructor(rate: RateState) {
    const detail = `more than ${rate.limit} calls in a minute; try again in ${rate.resetS} s`;
    super('rate_limited', detail, { retryAfterS: rate.resetS });
    this.rate = rate;
  }
}
