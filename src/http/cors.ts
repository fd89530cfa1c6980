import type { Exchange } from './exchange.ts';

const EXPOSED = [
  ...['Location', 'Content-Location', 'Content-Disposition', 'Link', 'Retry-After', 'X-Request-Id', 'Repr-Digest'],
  ...['RateLimit', 'RateLimit-Policy', 'Preference-Applied', 'Idempotency-Replayed', 'Cache-Status'],
  ...['Tus-Resumable', 'Upload-Offset', 'Upload-Length', 'Upload-Complete', 'Upload-Limit', 'Upload-Expires'],
].join(', ');
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
/** Seconds; browsers keep it for less. */
const MAX_AGE = '86400';

/** Lets pages of the origins read what they ask for; true: it was a preflight, and is answered. */
export type Cors = (exchange: Exchange) => boolean;

/** `origins` as in `https://app.example`, or `*`. Nothing here reads cookies, so no page acts in its visitor's name. */
export function createCors(origins: readonly string[]): Cors {
  const known = new Set(origins.map((origin) => origin.replace(/\/$/, '').toLowerCase()));
  return (exchange) => {
    const origin = exchange.header('origin');
    if (origin === undefined || known.size === 0) return false;
    exchange.setHeader('vary', 'Origin');
    if (!known.has('*') && !known.has(origin.toLowerCase())) return false;
    exchange.setHeader('access-control-allow-origin', known.has('*') ? '*' : origin);
    exchange.setHeader('access-control-expose-headers', EXPOSED);
    if (exchange.method !== 'OPTIONS' || exchange.header('access-control-request-method') === undefined) return false;
    const headers = [
      ['access-control-allow-methods', METHODS],
      ['access-control-allow-headers', exchange.header('access-control-request-headers') ?? ''],
      ['access-control-max-age', MAX_AGE],
    ] as const;
    exchange.reply({ status: 204, headers });
    return true;
  };
}
