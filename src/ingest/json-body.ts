import { AppError } from '../core/errors.ts';
import { decodeBase64 } from './base64.ts';
import { type ByteSource, createByteSource, drain, prepend } from './byte-source.ts';
import { openDataText } from './data-url.ts';
import { createJsonScanner, parseJson } from './json-scanner.ts';
import { createStringReader } from './json-string.ts';

export interface JsonBodyOptions<T> {
  /** Bytes of the body without its base64 text. Default 1 MiB. */
  readonly maxMembersBytes?: number;
  readonly signal: AbortSignal;
  /** Members that may be files themselves: an id or a URL stays a member, any other string is base64. */
  readonly fileMembers?: readonly string[];
  /**
   * Called once if there is a `base64` member, while the body comes in. Its source ends only when all of the body has been read
   * and found in order, so whoever keeps nothing of a source that failed has nothing to undo. For each of the `fileMembers`, too,
   * whose sources end with their strings.
   */
  readonly onFile: (part: Base64Part, source: ByteSource) => Promise<T>;
}

export interface Base64Part {
  /** The member's name; undefined: `base64`. */
  readonly field: string | undefined;
  /** From a data: URL. */
  readonly declaredType: string | undefined;
  /** All other members, since `name` may stand behind the text: from the source's end on, not before. */
  members(): Members;
}

export type Members = Readonly<Record<string, unknown>>;

/** Where the file of a JSON body is. */
export type JsonFile<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'stored'; readonly id: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'base64'; readonly value: T };

export interface JsonBody<T> {
  readonly file: JsonFile<T>;
  /** Of the `fileMembers`. */
  readonly fieldFiles: readonly { readonly field: string; readonly value: T }[];
  /** All other members, `name` among them. */
  readonly members: Members;
}

const MAX_DEPTH = 64;
const MEMBER = 'base64';
/** A string that is longer, and no URL, is base64. */
const SHORT = 64;
const MAX_URL_BYTES = 65_536;

/**
 * Reads a JSON object like `{"name": "a.pdf", "base64": "…"}` as it comes in; the base64 text may be larger than memory and may be
 * a data: URL. At most one of `file` (an id), `url` and `base64` may be there; null is like not there. Errors: `bad_request`,
 * `bad_base64`, `too_large`; those of `onFile` and of the source, as they are.
 */
export async function readJsonBody<T>(source: ByteSource, options: JsonBodyOptions<T>): Promise<JsonBody<T>> {
  const { maxMembersBytes: maxBytes = 1_048_576, signal, onFile, fileMembers = [] } = options;
  const scanner = createJsonScanner({ members: new Set([MEMBER, ...fileMembers]), maxBytes, maxDepth: MAX_DEPTH });
  const cursor = createCursor(source, signal);
  /** Goes on to the base64 text, true, or to the end of the body. */
  const scan = async (callSignal = signal): Promise<boolean> => {
    while (await cursor.fill(callSignal)) {
      cursor.at = scanner.scan(cursor.chunk, cursor.at);
      if (scanner.inside() !== undefined) return true;
    }
    return false;
  };
  const fields = createFieldReader({ cursor, signal, onFile });
  const judge = () => fields.complete(judgeBody(parseJson(scanner.kept())));
  while (await scan()) {
    const field = scanner.inside();
    if (field === undefined || field === MEMBER) return await readWhole();
    await fields.read(field);
  }
  return judge();

  async function readWhole(): Promise<JsonBody<T>> {
    const { text, declaredType } = await openDataText(readString(cursor), signal);
    const bytes = decodeBase64(text);
    let members: Members | undefined;
    const file = createByteSource(async (callSignal) => {
      const chunk = await bytes.next(callSignal);
      if (chunk) return chunk;
      if (await scan(callSignal)) throw new AppError('bad_request', `"${MEMBER}" must stand behind the other files`);
      members = judge().members;
      return undefined;
    });
    const part = { field: undefined, declaredType, members: () => known(members) };
    const value = await onFile(part, file);
    await drain(file, signal);
    return { file: { kind: 'base64', value }, fieldFiles: fields.files, members: known(members) };
  }
}

interface FieldReaderOptions<T> extends Pick<JsonBodyOptions<T>, 'signal' | 'onFile'> {
  readonly cursor: Cursor;
}

/** Reads strings that are files, and keeps those that only point to one. */
function createFieldReader<T>({ cursor, signal, onFile }: FieldReaderOptions<T>) {
  const files: { field: string; value: T }[] = [];
  const texts: Record<string, string> = {};

  async function read(field: string): Promise<void> {
    const source = readString(cursor);
    const front = await take(source, SHORT, signal);
    if (front.length < SHORT || /^https?:/i.test(front.toString('latin1', 0, 6))) {
      const rest = await take(source, MAX_URL_BYTES, signal);
      if (rest.length >= MAX_URL_BYTES) throw new AppError('too_large', `${field}: the URL is too long`);
      texts[field] = Buffer.concat([front, rest]).toString();
      return;
    }
    const { text, declaredType } = await openDataText(prepend(front, source), signal);
    const file = decodeBase64(text);
    const part = { field, declaredType, members: () => ({}) };
    files.push({ field, value: await onFile(part, file) });
    await drain(file, signal);
  }

  /** The strings that were left out take their places again; those of files are no members. */
  function complete(body: JsonBody<never>): JsonBody<T> {
    const members: Record<string, unknown> = { ...body.members, ...texts };
    for (const { field } of files) delete members[field];
    return { ...body, fieldFiles: files, members };
  }

  return { files, read, complete };
}

/** The front of a source, as many bytes or a few more, or all of it. */
async function take(source: ByteSource, bytes: number, signal: AbortSignal): Promise<Buffer> {
  let front = Buffer.alloc(0);
  while (front.length < bytes) {
    const chunk = await source.next(signal);
    if (!chunk) break;
    front = Buffer.concat([front, chunk]);
  }
  return front;
}

function known(members: Members | undefined): Members {
  if (members) return members;
  throw new Error('the members of a JSON body are known when its file has been read to the end');
}

/** The place in the body that everything has been read to. */
interface Cursor {
  chunk: Buffer;
  at: number;
  /** Pulls until there is a byte to read; false at the end. */
  fill(signal?: AbortSignal): Promise<boolean>;
}

function createCursor(source: ByteSource, signal: AbortSignal): Cursor {
  return {
    chunk: Buffer.alloc(0),
    at: 0,
    async fill(callSignal = signal) {
      while (this.at === this.chunk.length) {
        const chunk = await source.next(callSignal);
        if (!chunk) return false;
        this.chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        this.at = 0;
      }
      return true;
    },
  };
}

/** The string that the cursor stands in. */
function readString(cursor: Cursor): ByteSource {
  const read = createStringReader();
  let isEnd = false;
  return createByteSource(async (signal) => {
    while (!isEnd && (await cursor.fill(signal))) {
      const piece = read(cursor.chunk, cursor.at);
      cursor.at = piece.next;
      isEnd = piece.isEnd;
      if (piece.bytes.length > 0) return piece.bytes;
    }
    if (!isEnd) throw new AppError('bad_request', 'the body is not JSON: it ends within a string');
    return undefined;
  });
}

/** The body without its base64 text, which has the empty string in its place. */
function judgeBody(body: unknown): JsonBody<never> {
  if (!isObject(body)) throw new AppError('bad_request', 'the JSON body must be an object');
  const { file, url, [MEMBER]: base64, ...members } = body;
  const given = [file, url, base64].filter((member) => member != null);
  if (given.length > 1) throw new AppError('bad_request', 'give one of "file", "url" and "base64", not several');
  if (given.some((member) => typeof member !== 'string')) {
    throw new AppError('bad_request', '"file", "url" and "base64" must be strings');
  }
  if (typeof file === 'string') return { file: { kind: 'stored', id: file }, fieldFiles: [], members };
  if (typeof url === 'string') return { file: { kind: 'url', url }, fieldFiles: [], members };
  return { file: { kind: 'none' }, fieldFiles: [], members };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
