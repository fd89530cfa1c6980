import { type Dictionary, parseDictionary, serializeDictionary } from 'structured-headers';
import { AppError } from '../core/errors.ts';
import { decodeCanonical } from './base64.ts';

/** The names of RFC 9530 that are not deprecated there. */
export type DigestAlgorithm = 'sha-256' | 'sha-512';

export interface Digest {
  readonly algorithm: DigestAlgorithm;
  readonly bytes: Uint8Array;
}

/** What tus clients may put into `Upload-Checksum`; the names are Node's own for these hashes. */
export type ChecksumAlgorithm = 'sha1' | 'sha256' | 'sha512' | 'md5';

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly bytes: Uint8Array;
}

const DIGEST_BYTES: Readonly<Record<DigestAlgorithm, number>> = { 'sha-256': 32, 'sha-512': 64 };
const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = { sha1: 20, sha256: 32, sha512: 64, md5: 16 };

/** For `Tus-Checksum-Algorithm`. */
export const CHECKSUM_ALGORITHMS = Object.keys(CHECKSUM_BYTES).filter(isChecksumAlgorithm);

/**
 * Reads `Content-Digest` or `Repr-Digest` (RFC 9530 sections 2 and 3; repeated lines joined by a comma). Algorithms that we
 * do not know are skipped, as the RFC asks. Error: `bad_request`.
 */
export function parseDigest(headerValue: string): Digest[] {
  const digests: Digest[] = [];
  for (const [algorithm, [value]] of readDictionary(headerValue)) {
    if (!isDigestAlgorithm(algorithm)) continue;
    if (!(value instanceof ArrayBuffer) || value.byteLength !== DIGEST_BYTES[algorithm]) {
      throw new AppError(
        'bad_request',
        `the ${algorithm} digest must be ${DIGEST_BYTES[algorithm]} bytes in base64 between colons`,
      );
    }
    digests.push({ algorithm, bytes: new Uint8Array(value) });
  }
  return digests;
}

/** The header's value: `sha-256=:…:, sha-512=:…:`. */
export function formatDigest(digests: readonly Digest[]): string {
  return serializeDictionary(
    new Map(digests.map(({ algorithm, bytes }) => [algorithm, [new Uint8Array(bytes), new Map()]])),
  );
}

/**
 * The algorithm that `Want-Repr-Digest` or `Want-Content-Digest` likes best (RFC 9530 section 4: 10 most, 0 not at all); sha-256
 * where it likes both the same. Undefined: none that we have. A malformed wish is no wish (RFC 9651 section 4.2).
 */
export function negotiateWant(headerValue: string): DigestAlgorithm | undefined {
  const wishes = new Map<string, number>();
  for (const [algorithm, [weight]] of tryDictionary(headerValue) ?? []) {
    if (isDigestAlgorithm(algorithm) && isWeight(weight)) wishes.set(algorithm, weight);
  }
  const sha256 = wishes.get('sha-256') ?? 0;
  const sha512 = wishes.get('sha-512') ?? 0;
  if (sha256 === 0 && sha512 === 0) return undefined;
  return sha512 > sha256 ? 'sha-512' : 'sha-256';
}

/** Reads tus 1.0.0's `Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`. Error: `bad_request`, for an unknown algorithm too. */
export function parseUploadChecksum(headerValue: string): Checksum {
  const [name = '', encoded = '', ...rest] = headerValue.trim().split(/ +/);
  const algorithm = name.toLowerCase();
  if (!isChecksumAlgorithm(algorithm)) {
    throw new AppError('bad_request', `Upload-Checksum can be ${CHECKSUM_ALGORITHMS.join(', ')}, not "${name}"`);
  }
  const bytes = rest.length === 0 ? decodeCanonical(encoded) : undefined;
  if (bytes?.length !== CHECKSUM_BYTES[algorithm]) {
    throw new AppError('bad_request', `the ${algorithm} checksum must be ${CHECKSUM_BYTES[algorithm]} bytes in base64`);
  }
  return { algorithm, bytes };
}

function readDictionary(headerValue: string): Dictionary {
  const dictionary = tryDictionary(headerValue);
  if (dictionary) return dictionary;
  throw new AppError('bad_request', 'a digest header must look like sha-256=:base64: (RFC 9530)');
}

/** Undefined: malformed. The parser throws nothing but its complaints. */
function tryDictionary(headerValue: string): Dictionary | undefined {
  try {
    return parseDictionary(headerValue);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function isDigestAlgorithm(name: string): name is DigestAlgorithm {
  return Object.hasOwn(DIGEST_BYTES, name);
}

function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(CHECKSUM_BYTES, name);
}

function isWeight(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 10;
}
