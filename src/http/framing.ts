import { AppError } from '../core/errors.ts';
import type { HeaderLine, Wire } from './transport.ts';

/** Bytes; a longer target is refused before anything looks at it. */
export const MAX_TARGET_BYTES = 8 * 1024;

const LENGTH = /^\d{1,15}$/;
/** A superset of `uri-host [":" port]` (RFC 9110 section 7.2) without what could break out of a link. */
const HOST = /^[\w.~%:[\]-]{0,300}$/;
const ORIGIN_OR_ABSOLUTE_FORM = /^(\/|https?:\/\/[\w.~%:[\]-]+(\/|\?|$))/i;

/**
 * Finds what a parser may let through and we do not: doubt about where a request ends is how a second one is hidden in
 * its body. Errors: `bad_framing`, `bad_request`; both end the connection.
 */
export function checkFraming({
  method,
  target,
  headers,
}: Pick<Wire, 'method' | 'target' | 'headers'>): AppError | undefined {
  return checkBodyLength(headers) ?? checkHost(headers) ?? checkTarget(method, target);
}

/** RFC 9112 sections 6.1 to 6.3, without the leniency they leave to servers. */
function checkBodyLength(headers: readonly HeaderLine[]): AppError | undefined {
  const lengths = valuesOf(headers, 'content-length');
  const codings = valuesOf(headers, 'transfer-encoding');
  if (lengths.length > 0 && codings.length > 0) return badFraming('both Content-Length and Transfer-Encoding');
  if (lengths.length > 1) return badFraming('more than one Content-Length');
  if (codings.length > 1) return badFraming('more than one Transfer-Encoding');
  if (!lengths.every((length) => LENGTH.test(length))) return badFraming('a Content-Length that is no plain number');
  if (!codings.every((coding) => coding.toLowerCase() === 'chunked'))
    return badFraming('a Transfer-Encoding other than chunked');
  return undefined;
}

/** RFC 9112 section 3.2. */
function checkHost(headers: readonly HeaderLine[]): AppError | undefined {
  const [host, ...more] = valuesOf(headers, 'host');
  if (host === undefined) return badFraming('no Host');
  if (more.length > 0) return badFraming('more than one Host');
  return HOST.test(host) ? undefined : badFraming('a Host that is no host name or address');
}

function checkTarget(method: string, target: string): AppError | undefined {
  if (target.length > MAX_TARGET_BYTES)
    return new AppError('bad_request', `the request target is longer than ${MAX_TARGET_BYTES} bytes`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  if (/[\x00-\x20\x7f]/.test(target))
    return new AppError('bad_request', 'the request target holds a control character or a space');
  if (ORIGIN_OR_ABSOLUTE_FORM.test(target) || (method === 'OPTIONS' && target === '*')) return undefined;
  return new AppError('bad_request', 'the request target must be a path that begins with /');
}

function valuesOf(headers: readonly HeaderLine[], name: string): string[] {
  return headers.filter(([known]) => known === name).map(([, value]) => value);
}

function badFraming(what: string): AppError {
  return new AppError('bad_framing', `the request has ${what}; the connection is closed`);
}
