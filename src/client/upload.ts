import { PenstockError } from './error.ts';
import { isPassing } from './patience.ts';
import type { Requester } from './requester.ts';
import type { Bytes, Source } from './source.ts';

export interface UploadProgress {
  /** Bytes that the server has on disk. */
  readonly sentBytes: number;
  /** undefined: a stream that has not ended yet. */
  readonly totalBytes: number | undefined;
}

export interface UploadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

export interface UploadedFile {
  readonly id: string;
  /** Where its bytes can be read again. */
  readonly url: string;
  readonly size: number;
}

const TUS = { 'tus-resumable': '1.0.0' } as const;
const MIB = 1024 * 1024;
/** A piece is to take some seconds: long enough to keep the line busy, short enough to show how far it is. */
const PIECE = { firstBytes: MIB, leastBytes: MIB / 4, mostBytes: 32 * MIB, mostOfStreamBytes: 8 * MIB, aimMs: 3000 };
/** On a line this slow the server still keeps what came. */
const PIECE_LIMIT_MS = 120_000;

interface State {
  readonly offset: number;
  /** Set once the last byte is stored. */
  readonly fileUrl: string | undefined;
}

/**
 * Uploads by tus 1.0.0 (https://tus.io/protocols/resumable-upload): when the connection breaks it asks how far it came and goes
 * on from there, for as long as some progress is made between the pauses. Errors: PenstockError, the signal's reason.
 */
export async function uploadResumable(
  requester: Requester,
  source: Source,
  { signal, onProgress }: UploadOptions,
): Promise<UploadedFile> {
  const created = await create(requester, source, signal);
  const tries = requester.patience(signal);
  const mostBytes = source.totalBytes === undefined ? PIECE.mostOfStreamBytes : PIECE.mostBytes;
  let pieceBytes = PIECE.firstBytes;
  let state: State = created;
  while (state.fileUrl === undefined) {
    const { offset } = state;
    onProgress?.({ sentBytes: offset, totalBytes: source.totalBytes });
    const startedAt = performance.now();
    try {
      state = await append(requester, created.url, { ...(await source.read(offset, pieceBytes)), offset, signal });
    } catch (error) {
      if (!isPassing(error) && !isAhead(error)) throw error;
      await tries.wait(error);
      state = await look(requester, created.url, signal);
    }
    if (state.offset > offset) tries.reset();
    const factor = PIECE.aimMs / (performance.now() - startedAt);
    pieceBytes = Math.round(clamp(pieceBytes * clamp(factor, 0.5, 2), PIECE.leastBytes, mostBytes));
  }
  onProgress?.({ sentBytes: state.offset, totalBytes: state.offset });
  return { id: idOf(state.fileUrl), url: state.fileUrl, size: state.offset };
}

async function create(
  requester: Requester,
  { name, totalBytes }: Source,
  signal: AbortSignal | undefined,
): Promise<State & { readonly url: string }> {
  const length = totalBytes === undefined ? { 'upload-defer-length': '1' } : { 'upload-length': String(totalBytes) };
  const metadata = name === undefined ? undefined : { 'upload-metadata': `filename ${toBase64(name)}` };
  const response = await requester.send('/v1/uploads', {
    method: 'POST',
    headers: { ...TUS, ...length, ...metadata },
    signal,
  });
  const url = response.headers.get('location');
  if (url === null) throw new PenstockError('bad_answer', 'the server created an upload and did not say where');
  return { ...readState(response), url };
}

async function append(
  requester: Requester,
  url: string,
  piece: { bytes: Bytes; isLast: boolean; offset: number; signal: AbortSignal | undefined },
): Promise<State> {
  const { bytes, isLast, offset, signal } = piece;
  const size = bytes instanceof Blob ? bytes.size : bytes.byteLength;
  const response = await requester.sendOnce(url, {
    method: 'PATCH',
    headers: {
      ...TUS,
      'content-type': 'application/offset+octet-stream',
      'upload-offset': String(offset),
      // Of a deferred length; of a known one it is the same.
      ...(isLast ? { 'upload-length': String(offset + size) } : {}),
    },
    body: bytes,
    signal,
    limitMs: PIECE_LIMIT_MS,
  });
  return readState(response);
}

async function look(requester: Requester, url: string, signal: AbortSignal | undefined): Promise<State> {
  return readState(await requester.send(url, { method: 'HEAD', headers: TUS, signal }));
}

function readState({ headers }: Response): State {
  const offset = headers.get('upload-offset') ?? '0';
  if (!/^\d{1,15}$/.test(offset)) throw new PenstockError('bad_answer', `Upload-Offset: ${offset} is no number`);
  return { offset: Number(offset), fileUrl: headers.get('content-location') ?? undefined };
}

/** An answer got lost, or an earlier request of ours still holds the upload: the next look tells where it stands. */
function isAhead(error: unknown): error is PenstockError {
  return error instanceof PenstockError && (error.status === 409 || error.status === 423);
}

function idOf(fileUrl: string): string {
  return fileUrl.slice(fileUrl.lastIndexOf('/') + 1);
}

/** Of the text's UTF-8. */
function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
