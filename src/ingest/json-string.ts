import { AppError } from '../core/errors.ts';

export interface StringPiece {
  /** The characters of the string, unescaped. */
  readonly bytes: Uint8Array;
  /** Where in the chunk the reading stopped: its end, or behind the closing quote. */
  readonly next: number;
  readonly isEnd: boolean;
}

const [QUOTE, BACKSLASH, LETTER_U] = [0x22, 0x5c, 0x75];
/** RFC 8259 section 7: the letter behind the backslash, and the character that it stands for. */
const ESCAPES: ReadonlyMap<number | undefined, number> = new Map(
  ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
);

/** Reads the rest of a JSON string, piece by piece. For ASCII: an escape beyond it is `bad_base64`, a wrong one `bad_request`. */
export function createStringReader(): (chunk: Buffer, from: number) => StringPiece {
  /** An escape that the end of the last chunk cut off. */
  let cutOff: Buffer = Buffer.alloc(0);

  return (chunk, from) => {
    const text = cutOff.length > 0 ? Buffer.concat([cutOff, chunk.subarray(from)]) : chunk.subarray(from);
    const { bytes, length, isEnd } = readString(text);
    const next = isEnd ? from + length - cutOff.length : chunk.length;
    cutOff = text.subarray(isEnd ? text.length : length);
    return { bytes, next, isEnd };
  };
}

interface ReadText {
  readonly bytes: Uint8Array;
  /** What was read of the text: all but a cut-off escape, or to behind the closing quote. */
  readonly length: number;
  readonly isEnd: boolean;
}

function readString(text: Buffer): ReadText {
  const quote = text.indexOf('"');
  const plain = quote < 0 ? text : text.subarray(0, quote);
  if (plain.includes('\\')) return readEscaped(text);
  return { bytes: plain, length: quote < 0 ? text.length : quote + 1, isEnd: quote >= 0 };
}

/** Copies run after run between the escapes, twice as fast as byte after byte; PHP makes one of every slash. */
function readEscaped(text: Buffer): ReadText {
  const bytes = Buffer.allocUnsafe(text.length);
  let [at, filled, quote] = [0, 0, -1];
  for (;;) {
    if (quote < at) quote = positionOf(QUOTE, text, at);
    const stop = Math.min(quote, positionOf(BACKSLASH, text, at));
    filled += text.copy(bytes, filled, at, stop);
    const size = text[stop + 1] === LETTER_U ? 6 : 2;
    if (stop === quote || stop + size > text.length) {
      const isEnd = stop === quote && quote < text.length;
      return { bytes: bytes.subarray(0, filled), length: isEnd ? stop + 1 : stop, isEnd };
    }
    bytes[filled++] = readEscape(text, stop, size);
    at = stop + size;
  }
}

/** The length of the text where it has no such byte. */
function positionOf(byte: number, text: Buffer, from: number): number {
  const at = text.indexOf(byte, from);
  return at < 0 ? text.length : at;
}

/** The code of the character that the escape of `size` bytes stands for. */
function readEscape(text: Buffer, at: number, size: number): number {
  if (size === 2) {
    const code = ESCAPES.get(text[at + 1]);
    if (code === undefined) throw wrongEscape();
    return code;
  }
  const digits = text.toString('latin1', at + 2, at + size);
  if (!/^[0-9a-f]{4}$/i.test(digits)) throw wrongEscape();
  const code = Number.parseInt(digits, 16);
  if (code > 0x7f) throw new AppError('bad_base64', 'the base64 text has an escape that is not ASCII');
  return code;
}

function wrongEscape(): AppError {
  return new AppError('bad_request', 'the body is not JSON: a string in it has a wrong escape');
}
