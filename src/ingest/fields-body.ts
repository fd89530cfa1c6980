import { AppError } from '../core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { parseJson } from './json-scanner.ts';

/** A body without a file has only what people type. */
const MAX_BYTES = 1_048_576;
const SPACE = /^\s*/;

export interface FieldsBody {
  readonly members: Readonly<Record<string, unknown>>;
  /** Only JSON has types: all else is text. */
  readonly from: 'json' | 'text';
}

/**
 * Reads a JSON object, or `a=1&b=2`; which of them it is the first character tells, since tools send either under any type.
 * Errors: `bad_request`, `too_large`.
 */
export async function readFields(source: ByteSource, signal: AbortSignal): Promise<FieldsBody> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (let chunk = await source.next(signal); chunk; chunk = await source.next(signal)) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new AppError('too_large', `input may have at most ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const start = body.subarray(0, 64).toString('latin1').replace(SPACE, '');
  if (start === '') return { members: {}, from: 'text' };
  if (/^[[{"]/.test(start)) return { members: readObject(body), from: 'json' };
  return { members: readForm(body.toString()), from: 'text' };
}

function readObject(body: Buffer): Record<string, unknown> {
  const value = parseJson(body);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new AppError('bad_request', 'the JSON body must be an object');
}

function readForm(text: string): Record<string, unknown> {
  const fields = [...new URLSearchParams(text.trim())];
  if (!text.includes('=')) throw new AppError('bad_request', 'the body is neither a JSON object nor like a=1&b=2');
  return Object.fromEntries(fields);
}
