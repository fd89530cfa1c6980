import { AppError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import { parseDigest } from './digest-headers.ts';
import { parseUploadMetadata } from './upload-metadata.ts';
import type { AppendPlan, NewUpload, UploadStatus } from './uploads.ts';

/** The rules of tus 1.0.0 (https://tus.io/protocols/resumable-upload), without HTTP: header texts in, plans out. */
export const TUS_VERSION = '1.0.0';

export const TUS_EXTENSIONS = [
  'creation',
  'creation-with-upload',
  'creation-defer-length',
  'expiration',
  'checksum',
  'termination',
  'concatenation',
] as const;

/** Header values of a creation; undefined: not sent. */
export interface TusCreation {
  readonly uploadLength: string | undefined;
  readonly uploadDeferLength: string | undefined;
  readonly uploadConcat: string | undefined;
  readonly uploadMetadata: string | undefined;
  /** Of the whole upload (RFC 9530). */
  readonly reprDigest: string | undefined;
}

/** Header values of an append. */
export interface TusAppend {
  readonly uploadOffset: string | undefined;
  readonly uploadLength: string | undefined;
  /** Bytes as declared; undefined: chunked. */
  readonly contentLength: number | undefined;
}

/** Errors: `bad_request`, `too_large`. */
export function planTusCreation(headers: TusCreation, options: { caller: string; maxBytes: number }): NewUpload {
  const metadata = headers.uploadMetadata ?? '';
  parseUploadMetadata(metadata);
  const { reprDigest } = headers;
  parseDigest(reprDigest ?? '');
  const concat = parseConcat(headers.uploadConcat);
  const length = parseLength(headers, Array.isArray(concat));
  if (length !== undefined && length > options.maxBytes) throw tooLarge(options.maxBytes);
  return { protocol: 'tus', caller: options.caller, metadata, length, concat, ...(reprDigest && { reprDigest }) };
}

/** Errors: `bad_request`, `conflict` (offset), `forbidden` (a joined upload), `too_large`. */
export function planTusAppend(upload: UploadStatus, headers: TusAppend, maxBytes: number): AppendPlan {
  const offset = parseCount(headers.uploadOffset, 'Upload-Offset');
  if (Array.isArray(upload.concat)) {
    // Concatenation: "The Server MUST respond with 403 Forbidden to PATCH requests against a final upload URL".
    throw new AppError('forbidden', 'an upload that was joined from others takes no bytes');
  }
  if (offset !== upload.offset) throw wrongOffset(upload.offset, offset);
  const length = learnLength(upload, headers.uploadLength, maxBytes);
  const room = (length ?? maxBytes) - upload.offset;
  if ((headers.contentLength ?? 0) > room) throw tooLarge(length ?? maxBytes);
  return {
    length,
    maxBytes: room,
    endsOnExcess: false,
    isWhole: (size) => size === length && upload.concat === undefined,
  };
}

/** 409 with what the client needs to go on. */
export function wrongOffset(expected: number, provided: number): AppError {
  return new AppError('conflict', `the upload has ${expected} bytes, the request goes on at ${provided}`, {
    extra: { 'expected-offset': expected, 'provided-offset': provided },
  });
}

function parseConcat(header: string | undefined): NewUpload['concat'] {
  if (header === undefined) return undefined;
  if (header.trim() === 'partial') return 'partial';
  const [, list] = /^final;(.+)$/.exec(header.trim()) ?? [];
  const ids = list?.trim().split(/ +/).map(idOfUrl);
  if (ids?.every((id) => id !== undefined)) return ids;
  throw new AppError(
    'bad_request',
    'Upload-Concat must be "partial", or "final;" and the URLs of partial uploads here',
  );
}

/** Relative or absolute; what counts is that it ends like one of ours. */
function idOfUrl(url: string): string | undefined {
  const [, id = ''] = /\/v1\/uploads\/([^/?#]+)$/.exec(url) ?? [];
  return isId(id) ? id : undefined;
}

function parseLength({ uploadLength, uploadDeferLength }: TusCreation, isJoined: boolean): number | undefined {
  if (isJoined) {
    if (uploadLength === undefined && uploadDeferLength === undefined) return undefined;
    throw new AppError('bad_request', 'a joined upload has the length of its parts: leave Upload-Length out');
  }
  if ((uploadLength === undefined) === (uploadDeferLength === undefined)) {
    throw new AppError('bad_request', 'send either Upload-Length or Upload-Defer-Length: 1');
  }
  if (uploadLength !== undefined) return parseCount(uploadLength, 'Upload-Length');
  if (uploadDeferLength !== '1') throw new AppError('bad_request', 'Upload-Defer-Length can only be 1');
  return undefined;
}

/** A deferred length is told once, with some PATCH. */
function learnLength(upload: UploadStatus, header: string | undefined, maxBytes: number): number | undefined {
  if (header === undefined) return upload.length;
  const length = parseCount(header, 'Upload-Length');
  if (upload.length !== undefined && length !== upload.length) {
    throw new AppError('bad_request', `the upload's length is ${upload.length} and cannot become ${length}`);
  }
  if (length < upload.offset)
    throw new AppError('bad_request', `the upload has ${upload.offset} bytes, more than ${length}`);
  if (length > maxBytes) throw tooLarge(maxBytes);
  return length;
}

function parseCount(header: string | undefined, name: string): number {
  if (header !== undefined && /^\d{1,15}$/.test(header)) return Number(header);
  throw new AppError('bad_request', `${name} must be a whole number of bytes`);
}

export function tooLarge(maxBytes: number): AppError {
  return new AppError('too_large', `this upload may have at most ${maxBytes} bytes`);
}
