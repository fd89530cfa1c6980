import { AppError } from '../core/errors.ts';
import type { Limits, RateState } from '../limits/limits.ts';
import { RateLimited } from '../limits/limits.ts';
import type { Caller } from './caller.ts';
import type { Exchange } from './exchange.ts';

/** What every call that brings bytes or makes work passes first. */
export interface Admission {
  /** Names the caller; for calls that only read. Error: `unauthorized`. */
  identify(exchange: Exchange): string;
  /** Counts the call, too, and sets the RateLimit headers. Errors: `unauthorized`, `rate_limited`, `draining`. */
  admit(exchange: Exchange): Promise<string>;
}

export interface AdmissionOptions {
  readonly nameCaller: (exchange: Exchange) => Caller;
  readonly limits: Limits;
  readonly isDraining: () => boolean;
}

/** A draining server is soon gone, its successor soon there. */
export const DRAINING_RETRY_AFTER_S = 5;

export function createAdmission({ nameCaller, limits, isDraining }: AdmissionOptions): Admission {
  async function admit(exchange: Exchange): Promise<string> {
    const { name, rateKey } = nameCaller(exchange);
    if (isDraining()) {
      throw new AppError('draining', 'the server is stopping; try again shortly', {
        retryAfterS: DRAINING_RETRY_AFTER_S,
      });
    }
    try {
      setRateHeaders(exchange, await limits.countCall(rateKey));
    } catch (error) {
      if (error instanceof RateLimited) setRateHeaders(exchange, error.rate);
      throw error;
    }
    return name;
  }

  return { identify: (exchange) => nameCaller(exchange).name, admit };
}

/** draft-ietf-httpapi-ratelimit-headers: the policy, and what is left of it. */
function setRateHeaders(exchange: Exchange, rate: RateState | undefined): void {
  if (!rate) return;
  exchange.setHeader('ratelimit-policy', `"requests";q=${rate.limit};w=${rate.windowS}`);
  exchange.setHeader('ratelimit', `"requests";r=${rate.remaining};t=${rate.resetS}`);
}
