import { AppError } from '../../core/errors.ts';
import type { AppendRequest, NewUpload, UploadStatus, UploadStore } from '../../ingest/ingest.ts';
import { type DiskWatch, type Limits, RateLimited } from '../../limits/limits.ts';
import type { Admission } from '../admission.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderLine } from '../transport.ts';

export interface UploadRoutesOptions {
  readonly store: UploadStore;
  readonly admission: Admission;
  readonly limits: Limits;
  readonly disk: DiskWatch;
  readonly maxUploadBytes: number;
}

/** What a protocol answers to each kind of request on an upload. */
export interface UploadProtocol {
  create(exchange: Exchange): Promise<void>;
  /** HEAD and GET. */
  show(exchange: Exchange, id: string): Promise<void>;
  append(exchange: Exchange, id: string): Promise<void>;
  remove(exchange: Exchange, id: string): Promise<void>;
}

/** Counts the creation like any other call; but a caller over its rate hears 503, since tus-js-client never retries 429. */
export async function admitCreation(exchange: Exchange, admission: Admission): Promise<string> {
  try {
    return await admission.admit(exchange);
  } catch (error) {
    if (!(error instanceof RateLimited)) throw error;
    throw new AppError('too_many_uploads', error.message, { retryAfterS: error.rate.resetS });
  }
}

/** Runs what brings bytes, or copies them, in one of the places for running uploads; idle ones take none. */
export async function inUploadPlace<T>(
  { limits, disk }: UploadRoutesOptions,
  caller: string,
  act: () => Promise<T>,
): Promise<T> {
  const release = limits.takeUpload(caller);
  try {
    await disk.assertRoom();
    return await act();
  } finally {
    release();
  }
}

/** Creates an upload with the body of the same request. The client knows its URL only by a good answer: otherwise nothing is kept. */
export async function createFilled(
  store: UploadStore,
  upload: NewUpload,
  { first, signal }: { first: AppendRequest | undefined; signal: AbortSignal },
): Promise<UploadStatus> {
  const created = await store.create(upload, signal);
  if (!first) return created;
  try {
    if (!created.file) return await store.append(created.id, first);
    if (await first.source?.next(signal))
      throw new AppError('too_large', 'an upload of 0 bytes was announced, and some came');
    return created;
  } catch (error) {
    await store.undo(created.id);
    throw error;
  }
}

/** Repeated lines of a list are one list (RFC 9110 section 5.3). */
export function joinedHeader(exchange: Exchange, name: string): string | undefined {
  const lines = exchange.headers(name);
  return lines.length > 0 ? lines.join(', ') : undefined;
}

export function uploadUrl(exchange: Exchange, id: string): string {
  return `${exchange.origin}/v1/uploads/${id}`;
}

/** Where a finished upload's file is, and the job that works on it. */
export function outcomeHeaders(exchange: Exchange, { file, jobId }: UploadStatus): HeaderLine[] {
  const headers: HeaderLine[] = [];
  if (file) headers.push(['content-location', `${exchange.origin}/v1/files/${file.id}`]);
  if (jobId !== undefined) headers.push(['link', `<${exchange.origin}/v1/jobs/${jobId}>; rel="job"`]);
  return headers;
}

/** A refused offset tells the right one in a header, too. */
export async function tellingOffset<T>(exchange: Exchange, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const offset = error instanceof AppError ? error.extra['expected-offset'] : undefined;
    if (typeof offset === 'number') exchange.setHeader('upload-offset', String(offset));
    throw error;
  }
}
