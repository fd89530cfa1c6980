import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

/** ulid asks for one random number for each of 16 characters, and by itself it asks the system for each. */
const POOL_BYTES = 4096;

/** Makes one id after the other: 26 characters, sorted by time even within a millisecond (https://github.com/ulid/spec). */
export function createIdSource(): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  const random = () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    return (pool[used++] ?? 0) / 256;
  };
  const next = monotonicFactory(random);
  return () => next();
}

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** True for the exact canonical spelling only, so that an id is safe as a path segment. */
export function isId(text: string): boolean {
  return ULID.test(text);
}
