import { AppError } from '../core/errors.ts';

/** Stands before the form's parser, counts what goes in and lets nothing pass that the parser would take silently. */
export interface FormGate {
  /** What the parser may see now of this chunk and of the bytes held back before. Error: `bad_multipart`. */
  push(chunk: Uint8Array): Uint8Array;
  /** Parts opened so far. */
  parts(): number;
  /** Bytes let through since the last of them was opened, headers included. */
  partBytes(): number;
  /** The last delimiter has passed: the form is whole. */
  isClosed(): boolean;
}

/** Before the first delimiter and behind the last; RFC 2046 allows any, senders use a line of it at most. */
const MAX_OUTSIDE_BYTES = 65_536;
const CRLF = Buffer.from('\r\n');
const DASHES = Buffer.from('--');
const NOTHING = new Uint8Array();

/**
 * Finds delimiters on its own (RFC 2046 section 5.1.1), because busboy loses parts without a word: those without a
 * Content-Disposition, the rest of a file in which a line begins like the boundary, a part behind the last delimiter or not,
 * depending on how the network cut the body. A delimiter never straddles two of the chunks let through.
 */
export function createFormGate(boundary: string, maxParts: number): FormGate {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter may stand at the very beginning, without the line break.
  let held: Uint8Array = CRLF;
  let parts = 0;
  let bytesSince = 0;
  let isClosed = false;

  const count = (bytes: number): void => {
    bytesSince += bytes;
    const isOutside = parts === 0 || isClosed;
    if (isOutside && bytesSince > MAX_OUTSIDE_BYTES) throw malformed('too many bytes lie outside its parts');
  };

  /** Counts the delimiter that ends at `end`; true: it is the last one. */
  const passDelimiter = (data: Buffer, end: number): boolean => {
    if (data.subarray(end, end + 2).equals(DASHES)) return true;
    if (!data.subarray(end, end + 2).equals(CRLF))
      throw malformed('a line begins with the boundary and goes on after it');
    if (++parts > maxParts) throw malformed(`it has more than ${maxParts} parts`);
    return false;
  };

  /** How many bytes of `data` are settled; the rest may be the beginning of a delimiter. */
  const settle = (data: Buffer): number => {
    let from = 0;
    for (let at = data.indexOf(delimiter); at >= 0; at = data.indexOf(delimiter, from)) {
      count(at - from);
      from = at + delimiter.length;
      if (from + 2 > data.length) return at;
      isClosed = passDelimiter(data, from);
      bytesSince = 0;
      if (isClosed) return from + 2;
    }
    const settled = data.length - openEnd(data, delimiter);
    count(settled - from);
    return settled;
  };

  return {
    parts: () => parts,
    partBytes: () => bytesSince,
    isClosed: () => isClosed,
    push(chunk) {
      const data = held.length > 0 ? Buffer.concat([held, chunk]) : asBuffer(chunk);
      const settled = isClosed ? 0 : settle(data);
      if (isClosed) count(data.length - settled);
      held = isClosed ? NOTHING : data.subarray(settled);
      return data.subarray(0, settled);
    },
  };
}

/** Length of the longest end of `data` that could become a delimiter. Only its first byte is a CR, so there is one candidate. */
function openEnd(data: Buffer, delimiter: Buffer): number {
  const tail = data.subarray(Math.max(0, data.length - delimiter.length + 1));
  const at = tail.lastIndexOf('\r');
  if (at < 0) return 0;
  const end = tail.subarray(at);
  return delimiter.subarray(0, end.length).equals(end) ? end.length : 0;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The error for a form that breaks RFC 7578 or a limit of number; `why` goes on after "the form is refused: ". */
export function malformed(why: string, cause?: unknown): AppError {
  return new AppError('bad_multipart', `the form is refused: ${why}`, { cause });
}
