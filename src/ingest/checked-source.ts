import { createHash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { type ByteSource, createByteSource } from './byte-source.ts';
import { algorithmsFor, type ExpectedDigest, verify } from './digest-check.ts';

/**
 * A source that ends only when its bytes match the digests that came with them, so that whoever keeps nothing of a source
 * that failed keeps nothing of altered bytes. Error: `digest_mismatch`.
 */
export function checkDigests(source: ByteSource, expected: readonly ExpectedDigest[]): ByteSource {
  if (expected.length === 0) return source;
  const hashes = algorithmsFor(expected).map((name) => [name, createHash(name)] as const);
  return createByteSource(async (signal) => {
    const chunk = await source.next(signal);
    if (chunk) for (const [, hash] of hashes) hash.update(chunk);
    else verify(new Map(hashes.map(([name, hash]) => [name, hash.digest()])), expected);
    return chunk;
  });
}

/** A source that fails past `maxBytes`. Error: `too_large`. */
export function limitBytes(source: ByteSource, maxBytes: number): ByteSource {
  let bytes = 0;
  return createByteSource(async (signal) => {
    const chunk = await source.next(signal);
    bytes += chunk?.byteLength ?? 0;
    if (bytes > maxBytes) throw new AppError('too_large', `an upload may have at most ${maxBytes} bytes`);
    return chunk;
  });
}
