import { AppError } from '../core/errors.ts';

export interface StringPiece {
  /** The characters of the string, unescaped. */
  readonly bytes: Uint8Array;
  /** Where in the chunk the reading stopped: its end, or behind the closing quote. */
  readonly next: number;
  readonly isEnd: boolean;
}

const [QUOTE, BACKSLASH] = Buffer.from('"\\');
/** RFC 8259 section 7. */
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/',
};

/** Reads the rest of a JSON string, piece by piece. For ASCII: an escape beyond it is `bad_base64`, a wrong one `bad_request`. */
export function createStringReader(): (chunk: Buffer, from: number) => StringPiece {
  /** Of an escape that has begun, what came after the backslash. */
  let letters: string | undefined;

  const readEscaped = (chunk: Buffer, from: number): StringPiece => {
    const bytes = Buffer.allocUnsafe(chunk.length - from);
    let length = 0;
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (letters !== undefined) {
        letters += String.fromCharCode(byte);
        const code = resolveEscape(letters);
        if (code === undefined) continue;
        bytes[length++] = code;
        letters = undefined;
      } else if (byte === QUOTE) return { bytes: bytes.subarray(0, length), next: at + 1, isEnd: true };
      else if (byte === BACKSLASH) letters = '';
      else bytes[length++] = byte;
    }
    return { bytes: bytes.subarray(0, length), next: chunk.length, isEnd: false };
  };

  return (chunk, from) => {
    const quote = chunk.indexOf('"', from);
    const end = quote < 0 ? chunk.length : quote;
    const plain = chunk.subarray(from, end);
    if (letters !== undefined || plain.includes('\\')) return readEscaped(chunk, from);
    return { bytes: plain, next: quote < 0 ? end : end + 1, isEnd: quote >= 0 };
  };
}

/** The character's code; undefined while letters of the escape are missing. */
function resolveEscape(letters: string): number | undefined {
  const isUnicode = letters.startsWith('u');
  if (isUnicode && letters.length < 5) return undefined;
  if (isUnicode ? !/^u[0-9a-f]{4}$/i.test(letters) : !Object.hasOwn(ESCAPES, letters)) {
    throw new AppError('bad_request', 'the body is not JSON: a string in it has a wrong escape');
  }
  const code = isUnicode ? Number.parseInt(letters.slice(1), 16) : ESCAPES[letters]?.charCodeAt(0);
  if (code !== undefined && code > 0x7f)
    throw new AppError('bad_base64', 'the base64 text has an escape that is not ASCII');
  return code;
}
