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

/** Spaces and tabs that a gateway may have put behind a delimiter; RFC 2046 names no limit. */
const MAX_PADDING_BYTES = 64;
/** Before the first delimiter and behind the last; RFC 2046 allows any, senders use a line of it at most. */
const MAX_OUTSIDE_BYTES = 65_536;
const CRLF = Buffer.from('\r\n');
const DASHES = Buffer.from('--');
const [SPACE, TAB] = [0x20, 0x09];
const NOTHING = new Uint8Array();

/**
 * Finds delimiters on its own (RFC 2046 section 5.1.1), because busboy loses parts without a word: those without a
 * Content-Disposition, the rest of a file in which a line begins like the boundary, a part behind the last delimiter or not,
 * depending on how the network cut the body. A delimiter never straddles two of the chunks let through, and goes through without
 * its padding, which busboy does not know.
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

  /** Counts the delimiter whose line goes on, behind any padding, at `at`; true: it is the last one. */
  const passDelimiter = (data: Buffer, at: number, isPadded: boolean): boolean => {
    const next = data.subarray(at, at + 2);
    if (!isPadded && next.equals(DASHES)) return true;
    if (!next.equals(CRLF)) throw malformed('a line begins with the boundary and goes on after it');
    if (++parts > maxParts) throw malformed(`it has more than ${maxParts} parts`);
    return false;
  };

  /** What of `data` is settled, and where the rest begins, which may be the beginning of a delimiter. */
  const settle = (data: Buffer): { passed: Buffer[]; end: number } => {
    const passed: Buffer[] = [];
    let [begin, from] = [0, 0];
    const settledAt = (end: number) => ({ passed: [...passed, data.subarray(begin, end)], end });
    for (let at = data.indexOf(delimiter); at >= 0; at = data.indexOf(delimiter, from)) {
      count(at - from);
      const lineAt = at + delimiter.length;
      from = lineAt + paddingAt(data, lineAt);
      if (from + 2 > data.length) return settledAt(at);
      isClosed = passDelimiter(data, from, from > lineAt);
      bytesSince = 0;
      if (isClosed) return settledAt(from + 2);
      if (from > lineAt) {
        passed.push(data.subarray(begin, lineAt));
        begin = from;
      }
    }
    const end = data.length - openEnd(data, delimiter);
    count(end - from);
    return settledAt(end);
  };

  return {
    parts: () => parts,
    partBytes: () => bytesSince,
    isClosed: () => isClosed,
    push(chunk) {
      const data = held.length > 0 ? Buffer.concat([held, chunk]) : asBuffer(chunk);
      const { passed, end } = isClosed ? { passed: [], end: 0 } : settle(data);
      if (isClosed) count(data.length - end);
      held = isClosed ? NOTHING : data.subarray(end);
      return passed.length > 1 ? Buffer.concat(passed) : (passed[0] ?? NOTHING);
    },
  };
}

/** Length of the padding of a delimiter that ends at `at` (RFC 2046 section 5.1.1, transport-padding). */
function paddingAt(data: Buffer, at: number): number {
  let length = 0;
  while (data[at + length] === SPACE || data[at + length] === TAB) length++;
  if (length > MAX_PADDING_BYTES) throw malformed(`more than ${MAX_PADDING_BYTES} spaces stand behind a boundary`);
  return length;
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
