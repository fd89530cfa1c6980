import { createCipheriv, createHash, randomInt } from 'node:crypto';

/** Upload bodies that cost no memory: each is a window on one shared pool of random bytes, and knows its digest. */
export interface Body {
  /** Bytes. */
  readonly length: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** The bytes from `from` on, at most `max` and at least one while there are any; a view, never a copy. */
  slice(from: number, max: number): Buffer;
}

/** Where bodies come from: one pool, so that ten thousand clients cost what one costs. */
export interface BodySource {
  /** Bodies of equal length differ by `variant`; digests are computed when asked for, once per length and variant. */
  body(length: number, variant?: number): Body;
}

/** Odd, so that a body longer than the pool does not repeat on a block boundary of anybody's buffers. */
const POOL_BYTES = 16 * 2 ** 20 + 4099;

/** Fills the pool, 16 MiB, from the seed. Equal seeds give equal bodies, in any process. */
export function createBodySource(seed = randomInt(2 ** 31)): BodySource {
  const pool = randomPool(seed);
  const digests = new Map<string, string>();
  return {
    body(length, variant = 0) {
      const start = Math.imul(variant, 1_000_003) >>> 0;
      const slice = (from: number, max: number) => {
        const at = (start + from) % pool.length;
        return pool.subarray(at, Math.min(at + Math.min(max, length - from), pool.length));
      };
      const key = `${length}/${variant}`;
      return {
        length,
        slice,
        get sha256() {
          const known = digests.get(key) ?? digest(length, slice);
          digests.set(key, known);
          return known;
        },
      };
    },
  };
}

/** AES in counter mode over zeros: gigabytes per second, and the same for the same seed. */
function randomPool(seed: number): Buffer {
  const key = createHash('sha256').update(String(seed)).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(POOL_BYTES));
}

function digest(length: number, slice: Body['slice']): string {
  const hash = createHash('sha256');
  for (let at = 0; at < length; ) {
    const bytes = slice(at, 2 ** 20);
    hash.update(bytes);
    at += bytes.length;
  }
  return hash.digest('hex');
}
