import { AppError } from '../core/errors.ts';
import type { Exchange } from './exchange.ts';

/** The strong ETag of content whose SHA-256 is given in hexadecimal. */
export function etagOf(sha256: string): string {
  return `"${sha256}"`;
}

/** Judges If-Match, and If-None-Match of a request that changes something. Error: `precondition_failed`. */
export function assertConditions(exchange: Exchange, etag: string): void {
  // RFC 9110 section 13.1.1: compared strongly.
  const wanted = sentTags(exchange, 'if-match');
  const isOther = wanted !== undefined && !isAmong(wanted, etag);
  if (isOther || (!isRead(exchange) && isUnchanged(exchange, etag)))
    throw new AppError('precondition_failed', `the content is ${etag}`);
}

/** The caller has the content already (RFC 9110 section 13.1.2: compared weakly), which 304 tells a reader. */
export function isUnchanged(exchange: Exchange, etag: string): boolean {
  const known = sentTags(exchange, 'if-none-match')?.map((tag) => tag.replace(/^W\//, ''));
  return known !== undefined && isAmong(known, etag);
}

function isRead({ method }: Exchange): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Repeated lines are one list (RFC 9110 section 5.3); undefined: none was sent. */
function sentTags(exchange: Exchange, name: string): string[] | undefined {
  const lines = exchange.headers(name);
  if (lines.length === 0) return undefined;
  return lines.flatMap((line) => line.split(',')).map((tag) => tag.trim());
}

function isAmong(tags: readonly string[], etag: string): boolean {
  return tags.includes('*') || tags.includes(etag);
}
