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
   * Called once if there is a `base64` member, while the body comes in: its name may stand behind it. When the body fails later,
   * what this made of the bytes is the caller's to undo.
   */
  readonly onFile: (part: { readonly declaredType: string | undefined }, source: ByteSource) => Promise<T>;
}

/** Where the file of a JSON body is. */
export type JsonFile<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'stored'; readonly id: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'base64'; readonly value: T };

export interface JsonBody<T> {
  readonly file: JsonFile<T>;
  /** All other members, `name` among them. */
  readonly members: Readonly<Record<string, unknown>>;
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
  let stored: { readonly value: T } | undefined;

  while (await cursor.fill()) {
    cursor.at = scanner.scan(cursor.chunk, cursor.at);
    if (!scanner.isInside()) continue;
    const { text, declaredType } = await openDataText(readString(cursor), signal);
    const bytes = decodeBase64(text);
    stored = { value: await onFile({ declaredType }, bytes) };
    await drain(bytes, signal);
  }
  return judge(parseJson(scanner.kept()), stored);
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

function judge<T>(body: unknown, stored: { readonly value: T } | undefined): JsonBody<T> {
  if (!isObject(body)) throw new AppError('bad_request', 'the JSON body must be an object');
  const { file, url, [MEMBER]: base64, ...members } = body;
  if ([file, url, base64].filter((member) => member != null).length > 1) {
    throw new AppError('bad_request', 'give one of "file", "url" and "base64", not several');
  }
  if (stored) return { file: { kind: 'base64', value: stored.value }, members };
  if (typeof file === 'string') return { file: { kind: 'stored', id: file }, members };
  if (typeof url === 'string') return { file: { kind: 'url', url }, members };
  if (file != null || url != null || base64 != null) {
    throw new AppError('bad_request', '"file", "url" and "base64" must be strings');
  }
  return { file: { kind: 'none' }, members };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
