import { AppError } from '../core/errors.ts';
import type { Checksum, Digest } from './digest-headers.ts';
import type { Digests, HashName } from './digest-messages.ts';

/** What a sender claims, by either of the names that HTTP and tus have for an algorithm. */
export type ExpectedDigest = Checksum | Digest;

/** What must be computed: sha256 always, since it becomes the file's. */
export function algorithmsFor(expected: readonly ExpectedDigest[] = []): readonly HashName[] {
  return [...new Set<HashName>(['sha256', ...expected.map(hashName)])];
}

/** Holds the claims against the content; returns its sha256 in hexadecimal. Errors: `digest_mismatch`, of tus's claims `checksum_mismatch`. */
export function verify(digests: Digests, expected: readonly ExpectedDigest[]): string {
  for (const claim of expected) {
    const actual = Buffer.from(digests.get(hashName(claim)) ?? []);
    if (actual.equals(claim.bytes)) continue;
    const detail = `the content's ${claim.algorithm} is ${actual.toString('base64')}, not the one sent with it: send it again`;
    throw new AppError(isDigest(claim) ? 'digest_mismatch' : 'checksum_mismatch', detail);
  }
  return Buffer.from(digests.get('sha256') ?? []).toString('hex');
}

function isDigest({ algorithm }: ExpectedDigest): boolean {
  return algorithm === 'sha-256' || algorithm === 'sha-512';
}

export function hashName({ algorithm }: ExpectedDigest): HashName {
  switch (algorithm) {
    case 'sha-256':
      return 'sha256';
    case 'sha-512':
      return 'sha512';
    default:
      return algorithm;
  }
}
