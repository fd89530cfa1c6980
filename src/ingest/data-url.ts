import { AppError } from '../core/errors.ts';
import { type ByteSource, prepend } from './byte-source.ts';

export interface DataText {
  /** The base64 text. */
  readonly text: ByteSource;
  /** As the data: URL declares it; undefined where there is none. */
  readonly declaredType: string | undefined;
}

const SCHEME = 'data:';
const MAX_HEADER_BYTES = 1024;

/**
 * Takes `data:image/png;base64,` (RFC 2397) off the front of a base64 text, if it is there. Error: `bad_base64` for a data: URL
 * whose data are not base64.
 */
export async function openDataText(source: ByteSource, signal: AbortSignal): Promise<DataText> {
  const start = await readUntil(source, (front) => front.length >= SCHEME.length, signal);
  const isUrl = start.subarray(0, SCHEME.length).toString('latin1').toLowerCase() === SCHEME;
  if (!isUrl) return { text: prepend(start, source), declaredType: undefined };

  const rest = prepend(start.subarray(SCHEME.length), source);
  const front = await readUntil(rest, (read) => read.includes(',') || read.length > MAX_HEADER_BYTES, signal);
  const comma = front.indexOf(',');
  const header = front.toString('latin1', 0, Math.max(comma, 0)).toLowerCase();
  if (comma < 0 || comma > MAX_HEADER_BYTES || !header.endsWith(';base64')) {
    throw new AppError('bad_base64', 'a data: URL must have its data in base64: data:image/png;base64,iVBORw0KGgo…');
  }
  return { text: prepend(front.subarray(comma + 1), rest), declaredType: header.split(';', 1)[0]?.trim() || undefined };
}

/** The front of a source, as far as it takes `isEnough` to be true, or all of it. */
async function readUntil(
  source: ByteSource,
  isEnough: (front: Buffer) => boolean,
  signal: AbortSignal,
): Promise<Buffer> {
  let front = Buffer.alloc(0);
  while (!isEnough(front)) {
    const chunk = await source.next(signal);
    if (!chunk) break;
    front = Buffer.concat([front, chunk]);
  }
  return front;
}
