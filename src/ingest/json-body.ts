import { AppError } from '../core/errors.ts';
import { decodeBase64 } from './base64.ts';
import { type ByteSource, createByteSource, drain } from './byte-source.ts';
import { openDataText } from './data-url.ts';
import { createJsonScanner, parseJson } from './json-scanner.ts';
import { createStringReader } from './json-string.ts';

export interface JsonBodyOptions<T> {
  /** Bytes of the body without its base64 text. Default 1 MiB. */
  readonly maxMembersBytes?: number;
  readonly signal: AbortSignal;
  /**
   * Called once if there is a `base64` member, while the body comes in. Its source ends only when all of the body has been read
   * and found in order, so whoever keeps nothing of a source that failed has nothing to undo.
   */
  readonly onFile: (part: Base64Part, source: ByteSource) => Promise<T>;
}

export interface Base64Part {
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
  /** All other members, `name` among them. */
  readonly members: Members;
}

const MAX_DEPTH = 64;
const MEMBER = 'base64';

/**
 * Reads a JSON object like `{"name": "a.pdf", "base64": "…"}` as it comes in; the base64 text may be larger than memory and may be
 * a data: URL. At most one of `file` (an id), `url` and `base64` may be there; null is like not there. Errors: `bad_request`,
 * `bad_base64`, `too_large`; those of `onFile` and of the source, as they are.
 */
export async function readJsonBody<T>(source: ByteSource, options: JsonBodyOptions<T>): Promise<JsonBody<T>> {
  const { maxMembersBytes: maxBytes = 1_048_576, signal, onFile } = options;
  const scanner = createJsonScanner({ member: MEMBER, maxBytes, maxDepth: MAX_DEPTH });
  const cursor = createCursor(source, signal);
  /** Goes on to the base64 text, true, or to the end of the body. */
  const scan = async (callSignal = signal): Promise<boolean> => {
    while (await cursor.fill(callSignal)) {
      cursor.at = scanner.scan(cursor.chunk, cursor.at);
      if (scanner.isInside()) return true;
    }
    return false;
  };
  const judge = () => judgeBody(parseJson(scanner.kept()));
  if (!(await scan())) return judge();

  const { text, declaredType } = await openDataText(readString(cursor), signal);
  const bytes = decodeBase64(text);
  let members: Members | undefined;
  const file = createByteSource(async (callSignal) => {
    const chunk = await bytes.next(callSignal);
    if (chunk) return chunk;
    await scan(callSignal);
    members = judge().members;
    return undefined;
  });
  const value = await onFile({ declaredType, members: () => known(members) }, file);
  await drain(file, signal);
  return { file: { kind: 'base64', value }, members: known(members) };
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
  if (typeof file === 'string') return { file: { kind: 'stored', id: file }, members };
  if (typeof url === 'string') return { file: { kind: 'url', url }, members };
  return { file: { kind: 'none' }, members };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
