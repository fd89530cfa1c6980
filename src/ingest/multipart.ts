import { MIMEType } from 'node:util';
import { AppError } from '../core/errors.ts';
import { type ByteSource, createByteSource, drain, prepend } from './byte-source.ts';
import { malformed } from './form-gate.ts';
import {
  createFormParser,
  type FilePart,
  type FormFields,
  type FormLimits,
  type FormParser,
  type OpenFile,
} from './form-parser.ts';

export interface MultipartOptions<T> {
  /** The request's `Content-Type`, with its boundary. */
  readonly contentType: string;
  readonly limits: FormLimits;
  readonly signal: AbortSignal;
  /**
   * Called for one file after the other, in the form's order; what it leaves unread is skipped. When the form fails later, what
   * it made of earlier files is the caller's to undo.
   */
  readonly onFile: (part: FilePart, source: ByteSource) => Promise<T>;
}

export interface MultipartForm<T> {
  readonly files: readonly { readonly field: string; readonly value: T }[];
  /** A name that comes more than once has its values in order. Without a prototype. */
  readonly fields: FormFields;
}

/**
 * Reads a `multipart/form-data` body (RFC 7578) as it comes in: nothing is pulled from the source unless a file's reader or the
 * parser waits for it, and no file is held. Errors: `bad_multipart`; `too_large` for a file or the fields; those of `onFile` and
 * of the source, as they are.
 */
export async function readMultipart<T>(source: ByteSource, options: MultipartOptions<T>): Promise<MultipartForm<T>> {
  const { signal, onFile } = options;
  const parser = createFormParser(readBoundary(options.contentType), options.limits);
  const body = createByteSource((callSignal = signal) => source.next(callSignal));
  const feed = (chunk: Uint8Array | undefined): boolean => {
    if (chunk) parser.push(chunk);
    return chunk !== undefined;
  };
  const feedFile = async (callSignal?: AbortSignal) => feed(await body.next(callSignal));

  const files: { field: string; value: T }[] = [];
  try {
    do {
      for (let file = parser.takeFile(); file; file = parser.takeFile()) {
        const bytes = await openSource(file, { parser, feed: feedFile });
        if (bytes) files.push({ field: file.part.fieldName, value: await onFile(file.part, bytes) });
        if (bytes) await drain(bytes);
      }
    } while (feed(await nextMerged(body)));
    return { files, fields: await parser.finish() };
  } finally {
    parser.close();
  }
}

interface Feeding {
  readonly parser: FormParser;
  /** Pulls a chunk of the body into the parser; false: there is no more. */
  readonly feed: (signal?: AbortSignal) => Promise<boolean>;
}

/** The bytes of the file; undefined for a file input of a web page in which nothing was chosen: no name and no bytes. */
async function openSource(file: OpenFile, feeding: Feeding): Promise<ByteSource | undefined> {
  const bytes = createByteSource((signal) => readFile(file, feeding, signal));
  if (file.part.fileName !== undefined) return bytes;
  const first = await bytes.next();
  return first ? prepend(first, bytes) : undefined;
}

/** The file's next chunk; feeds the parser for as long as it has none. */
async function readFile(
  file: OpenFile,
  { parser, feed }: Feeding,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  for (;;) {
    parser.check();
    const chunk: Uint8Array | null = file.stream.read();
    if (chunk) return chunk;
    // A stream tells its end a tick after the last read.
    await new Promise<void>(process.nextTick);
    if (file.isEnded()) break;
    if (!(await feed(signal))) await parser.finish();
  }
  parser.check();
  return undefined;
}

const MIN_CHUNK_BYTES = 4096;

/** busboy keeps each piece of a field as a Buffer of its own: a megabyte that comes byte by byte would take a hundred. */
async function nextMerged(source: ByteSource): Promise<Uint8Array | undefined> {
  const first = await source.next();
  if (!first || first.length >= MIN_CHUNK_BYTES) return first;
  const merged = Buffer.allocUnsafe(MIN_CHUNK_BYTES);
  merged.set(first);
  let length = first.length;
  for (let chunk = await source.next(); chunk; chunk = await source.next()) {
    if (length + chunk.length > MIN_CHUNK_BYTES) return Buffer.concat([merged.subarray(0, length), chunk]);
    merged.set(chunk, length);
    length += chunk.length;
  }
  return merged.subarray(0, length);
}

/** RFC 2046 section 5.1.1: at most 70 of these, no space at the end. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

function readBoundary(contentType: string): string {
  const type = readMediaType(contentType);
  if (type.essence !== 'multipart/form-data') {
    throw new AppError('unsupported_media_type', `a form must be multipart/form-data, not ${type.essence}`);
  }
  const boundary = type.params.get('boundary') ?? '';
  if (!BOUNDARY.test(boundary)) throw malformed('its Content-Type has no boundary of 1 to 70 allowed characters');
  return boundary;
}

function readMediaType(contentType: string): MIMEType {
  try {
    return new MIMEType(contentType);
  } catch (error) {
    throw malformed('its Content-Type cannot be read', error);
  }
}
