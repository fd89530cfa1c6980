import { AppError } from '../core/errors.ts';
import { isDeeper, MAX_JSON_DEPTH } from '../core/json-depth.ts';

export interface JsonScannerOptions {
  /** The members of the outermost object whose strings are left out of what is kept. */
  readonly members: ReadonlySet<unknown>;
  /** Bytes that are kept. */
  readonly maxBytes: number;
  /** Objects and arrays within each other. */
  readonly maxDepth: number;
}

/**
 * Finds some strings in a JSON text that comes in pieces, and keeps the text around it, with `""` in their place. It follows strings
 * and nesting only: whether the text is JSON at all is for JSON.parse to say about what was kept, and until then whatever was
 * found is not to be believed. Tokenizers from npm hold a string as a whole (@streamparser/json) or cut it into an object per 256
 * characters (stream-json: 220 MB/s).
 */
export interface JsonScanner {
  /**
   * Goes on to the end of the chunk, or into the string, and tells where it stopped. Errors: `too_large`, `bad_request`.
   */
  scan(chunk: Uint8Array, from: number): number;
  /** The last scan stopped behind the opening quote of this member's string; the next one starts behind the closing quote. */
  inside(): string | undefined;
  /** The text so far, without the strings. */
  kept(): Buffer;
}

const [QUOTE, BACKSLASH, COLON] = Buffer.from('"\\:');
const OPENING: ReadonlySet<number> = new Set(Buffer.from('{['));
const CLOSING: ReadonlySet<number> = new Set(Buffer.from('}]'));
const SPACE: ReadonlySet<number> = new Set(Buffer.from(' \t\r\n'));

export function createJsonScanner({ members, maxBytes, maxDepth }: JsonScannerOptions): JsonScanner {
  const keeper = createKeeper(maxBytes);
  const keys = new Set<unknown>();
  let state: 'between' | 'string' | 'escape' | 'inside' = 'between';
  let depth = 0;
  /** Where the last string of the outermost object began, in what is kept. */
  let stringAt = 0;
  /** The key in the outermost object whose value comes next. */
  let key: unknown;
  let insideKey: string | undefined;

  const readKey = (): unknown => {
    const read = parseJson(keeper.kept().subarray(stringAt, -1));
    if (keys.has(read)) throw new AppError('bad_request', `the JSON object has the member "${read}" twice`);
    keys.add(read);
    return read;
  };

  const startString = (isValueOfMember: boolean): void => {
    state = isValueOfMember ? 'inside' : 'string';
    if (depth === 1) stringAt = keeper.kept().length - 1;
  };

  const stepBetween = (byte: number): void => {
    if (SPACE.has(byte)) return;
    const isValueOfMember = members.has(key);
    insideKey = isValueOfMember ? String(key) : undefined;
    key = undefined;
    if (byte === QUOTE) startString(isValueOfMember);
    else if (byte === COLON && depth === 1) key = readKey();
    else if (CLOSING.has(byte)) depth--;
    else if (OPENING.has(byte) && ++depth > maxDepth) {
      throw new AppError('bad_request', `the JSON text is nested deeper than ${maxDepth} levels`);
    }
  };

  const stepString = (byte: number): void => {
    if (state === 'escape') state = 'string';
    else if (byte === BACKSLASH) state = 'escape';
    else if (byte === QUOTE) state = 'between';
  };

  const isInside = () => state === 'inside';

  return {
    inside: () => (isInside() ? insideKey : undefined),
    kept: keeper.kept,
    scan(chunk, from) {
      if (isInside()) state = 'between';
      for (let at = from; at < chunk.length; at++) {
        const byte = chunk[at] ?? 0;
        keeper.keep(byte);
        if (state === 'between') stepBetween(byte);
        else stepString(byte);
        if (!isInside()) continue;
        keeper.keep(byte);
        return at + 1;
      }
      return chunk.length;
    },
  };
}

/** A buffer that grows, to a bound. */
function createKeeper(maxBytes: number) {
  let buffer = Buffer.allocUnsafe(Math.min(1024, maxBytes));
  let length = 0;
  return {
    kept: (): Buffer => buffer.subarray(0, length),
    keep(byte: number): void {
      if (length === maxBytes) {
        throw new AppError('too_large', `the JSON body, base64 aside, is larger than ${maxBytes} bytes`);
      }
      if (length === buffer.length) {
        const larger = Buffer.allocUnsafe(Math.min(2 * length, maxBytes));
        buffer.copy(larger);
        buffer = larger;
      }
      buffer[length++] = byte;
    },
  };
}

/** JSON.parse for bytes; a byte order mark is passed over (RFC 8259 section 8.1). Error: `bad_request`, for wrong UTF-8 too. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (isDeeper(text))
      throw new AppError('bad_request', `the JSON body is nested deeper than ${MAX_JSON_DEPTH} levels`);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
    throw new AppError('bad_request', `the body is not JSON: ${why}`, { cause: error });
  }
}
