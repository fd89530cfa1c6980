import { createHash } from 'node:crypto';
import { formatDigest, negotiateWant } from '../ingest/ingest.ts';
import type { Exchange } from './exchange.ts';

export interface Digestible {
  /** Hexadecimal. */
  readonly sha256: string;
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Sets `Repr-Digest` (RFC 9530 section 3): sha-256, which is kept with the file, and sha-512 where `Want-Repr-Digest` likes
 * it better, computed by reading the file once.
 */
export async function setReprDigest(exchange: Exchange, file: Digestible): Promise<void> {
  const want = exchange.header('want-repr-digest');
  const algorithm = want === undefined ? 'sha-256' : negotiateWant(want);
  if (algorithm === undefined) return;
  const bytes =
    algorithm === 'sha-256' ? Buffer.from(file.sha256, 'hex') : await sha512(await file.open(), exchange.signal);
  exchange.setHeader('repr-digest', formatDigest([{ algorithm, bytes }]));
}

async function sha512(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
  const hash = createHash('sha512');
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest();
}
