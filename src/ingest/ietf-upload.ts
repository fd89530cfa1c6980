import { parseItem } from 'structured-headers';
import { AppError } from '../core/errors.ts';
import { parseDigest } from './digest-headers.ts';
import { wrongOffset } from './tus.ts';
import { formatUploadMetadata, parseUploadMetadata } from './upload-metadata.ts';
import type { AppendPlan, NewUpload, UploadStatus } from './uploads.ts';

/**
 * The rules of draft-ietf-httpbis-resumable-upload-12 (July 2026, interop version 8), without HTTP. Problem types: section
 * "Problem Types"; `completed-upload` is from -11.
 */
const PROBLEM_TYPES = 'https://iana.org/assignments/http-problem-types';

/** Header values; undefined: not sent. */
export interface IetfHeaders {
  readonly uploadComplete: string | undefined;
  readonly uploadOffset: string | undefined;
  readonly uploadLength: string | undefined;
  /** Bytes as declared; undefined: chunked, or no body. */
  readonly contentLength: number | undefined;
  readonly hasBody: boolean;
}

/** What else tells of the representation. */
export interface Representation {
  readonly name: string | undefined;
  readonly contentType: string | undefined;
  readonly reprDigest: string | undefined;
  /** tus's header is understood here, too: it can name a task. */
  readonly uploadMetadata: string | undefined;
}

/** `Upload-Complete`, a Boolean; any other value counts as not sent. */
export function isComplete(header: string | undefined): boolean | undefined {
  const value = readItem(header);
  return typeof value === 'boolean' ? value : undefined;
}

/** Errors: `bad_request` (inconsistent lengths), `too_large`. */
export function planIetfCreation(
  headers: IetfHeaders,
  representation: Representation,
  { caller, maxBytes }: { caller: string; maxBytes: number },
): NewUpload {
  const length = knownLength(headers, { offset: 0, length: undefined });
  if ((length ?? headers.contentLength ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const { reprDigest } = representation;
  parseDigest(reprDigest ?? '');
  return { protocol: 'ietf', caller, metadata: describe(representation), length, ...(reprDigest && { reprDigest }) };
}

/** Errors: `bad_request`, `conflict` (offset, `mismatching-upload-offset`), `too_large`. */
export function planIetfAppend(upload: UploadStatus, headers: IetfHeaders, maxBytes: number): AppendPlan {
  const isLast = isComplete(headers.uploadComplete);
  const offset = readCount(headers.uploadOffset);
  if (isLast === undefined || offset === undefined) {
    throw new AppError('bad_request', 'an append needs Upload-Complete: ?0 or ?1, and Upload-Offset');
  }
  const isEmpty = !headers.hasBody || headers.contentLength === 0;
  if (upload.file && !(isLast && isEmpty)) throw completed();
  if (offset !== upload.offset) throw mismatch(wrongOffset(upload.offset, offset));
  const length = knownLength(headers, upload);
  const room = (length ?? maxBytes) - upload.offset;
  if ((headers.contentLength ?? 0) > room) throw length === undefined ? tooLarge(maxBytes) : inconsistent();
  if (length !== undefined && length > maxBytes) throw tooLarge(maxBytes);
  return { length, maxBytes: room, endsOnExcess: true, isWhole: (size) => isLast && assertReached(size, length) };
}

/** `Upload-Limit`: bytes, and the seconds that are left. */
export function formatUploadLimit({ maxSize, maxAgeS }: { maxSize: number; maxAgeS?: number }): string {
  return `max-size=${maxSize}${maxAgeS === undefined ? '' : `, max-age=${Math.max(0, Math.floor(maxAgeS))}`}`;
}

/** The length as `Upload-Length` tells it, or offset plus content where that is the rest; all that is told must agree. */
function knownLength(headers: IetfHeaders, upload: Pick<UploadStatus, 'offset' | 'length'>): number | undefined {
  const { contentLength = headers.hasBody ? undefined : 0 } = headers;
  const isRest = isComplete(headers.uploadComplete) === true && contentLength !== undefined;
  const told = [upload.length, readCount(headers.uploadLength), isRest ? upload.offset + contentLength : undefined];
  const [length, ...others] = told.filter((value) => value !== undefined);
  if (others.some((other) => other !== length) || (length ?? upload.offset) < upload.offset) throw inconsistent();
  return length;
}

function assertReached(size: number, length: number | undefined): true {
  if (length !== undefined && size !== length) throw inconsistent();
  return true;
}

function describe({ name, contentType, uploadMetadata }: Representation): string {
  if (uploadMetadata !== undefined) {
    parseUploadMetadata(uploadMetadata);
    return uploadMetadata;
  }
  const known = [['filename', name] as const, ['filetype', contentType] as const];
  return formatUploadMetadata(new Map(known.flatMap(([key, value]) => (value ? [[key, value] as const] : []))));
}

/** A non-negative Integer; a Decimal like 1.0, which the parser does not tell from it, counts as not sent, too. */
function readCount(header: string | undefined): number | undefined {
  const value = readItem(header);
  return typeof value === 'number' && value >= 0 && !header?.includes('.') ? value : undefined;
}

/** undefined: not sent, or no Item; then "the entire header field" is "to be ignored". The parser throws nothing but its complaints. */
function readItem(header: string | undefined): unknown {
  try {
    return header === undefined ? undefined : parseItem(header)[0];
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function mismatch({ message, extra }: AppError): AppError {
  return new AppError('conflict', message, { extra: { ...extra, type: `${PROBLEM_TYPES}#mismatching-upload-offset` } });
}

function inconsistent(): AppError {
  return new AppError('bad_request', 'Upload-Length, the content and what was said before do not fit together', {
    extra: { type: `${PROBLEM_TYPES}#inconsistent-upload-length` },
  });
}

function completed(): AppError {
  return new AppError('bad_request', 'the upload is complete: nothing can be appended', {
    extra: { type: `${PROBLEM_TYPES}#completed-upload` },
  });
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('too_large', `an upload may have at most ${maxBytes} bytes`);
}
