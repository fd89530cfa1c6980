import { create as contentDisposition } from 'content-disposition';
import { AppError } from '../core/errors.ts';
import type { BlobBytes, ByteRange } from '../storage/storage.ts';
import { assertConditions, etagOf, isUnchanged } from './conditions.ts';
import type { Exchange } from './exchange.ts';

/** Stored bytes as an HTTP resource. */
export interface BlobResource {
  readonly size: number;
  /** Hexadecimal; the strong ETag. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly name: string;
  /** Uploads are offered for saving, never shown in this origin; page images are shown. */
  readonly disposition: 'attachment' | 'inline';
  open(range?: ByteRange): Promise<BlobBytes>;
  /** Sets headers that belong to the bytes alone: not called for an answer without them, as 304 and 412 are. */
  describe?(): Promise<void>;
}

/** Answers GET and HEAD with conditions and one range (RFC 9110 sections 13 and 14). */
export async function replyBlob(exchange: Exchange, blob: BlobResource): Promise<void> {
  const etag = etagOf(blob.sha256);
  const headers = [
    ['etag', etag],
    ['accept-ranges', 'bytes'],
    ['cache-control', 'private, max-age=3600, immutable'],
    ['x-content-type-options', 'nosniff'],
    ['content-security-policy', "default-src 'none'; sandbox"],
  ] as const;
  assertConditions(exchange, etag);
  if (isUnchanged(exchange, etag)) return exchange.reply({ status: 304, headers });

  const range = wantedRange(exchange, etag, blob.size);
  await blob.describe?.();
  const described = [
    ...headers,
    ['content-type', blob.mediaType],
    ['content-disposition', contentDisposition(blob.name, { type: blob.disposition })],
    ...(range ? [['content-range', `bytes ${range.start}-${range.end}/${blob.size}`] as const] : []),
  ] as const;
  const head = {
    status: range ? 206 : 200,
    headers: described,
    length: range ? range.end - range.start + 1 : blob.size,
  };
  if (exchange.method === 'HEAD' || head.length === 0) return exchange.replyStream(head, noBytes());
  await exchange.replyStream(head, await blob.open(range));
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** undefined: the whole. Several ranges, another unit or a malformed header are ignored, as section 14.2 allows. */
function wantedRange(exchange: Exchange, etag: string, size: number): ByteRange | undefined {
  const ifRange = exchange.header('if-range');
  if (exchange.method !== 'GET' || (ifRange !== undefined && ifRange !== etag)) return undefined;
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(exchange.header('range') ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || (first === '' && last === '0')) {
    exchange.setHeader('content-range', `bytes */${size}`);
    throw new AppError('range_not_satisfiable', `the content has ${size} bytes`);
  }
  return { start, end };
}
