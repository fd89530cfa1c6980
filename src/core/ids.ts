import { createHash, randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

/** ulid asks for one random number for each of 16 characters, and by itself it asks the system for each. */
const POOL_BYTES = 4096;

/**
 * Makes one id after the other: 26 characters, sorted by time even within a millisecond (https://github.com/ulid/spec). With an
 * owner the last eight are the owner's mark, so that an id tells by itself whose it is, in every process and after a restart.
 */
export type NewId = (owner?: string) => string;

const TIME_CHARS = 10;
const MARK_CHARS = 8;

export function createIdSource(): NewId {
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
  return (owner) => {
    const id = next();
    if (owner === undefined) return id;
    // The characters that count up within a millisecond come before the mark.
    const head = id.slice(0, TIME_CHARS) + id.slice(-MARK_CHARS);
    return head + markOf(head, owner);
  };
}

/** true: made for this owner. */
export function isOwned(id: string, owner: string): boolean {
  return id.slice(-MARK_CHARS) === markOf(id.slice(0, -MARK_CHARS), owner);
}

function markOf(head: string, owner: string): string {
  const digest = createHash('sha256').update(`${owner} ${head}`).digest();
  return Array.from({ length: MARK_CHARS }, (_, index) => ALPHABET[(digest[index] ?? 0) % ALPHABET.length]).join('');
}

/** Crockford's. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** True for the exact canonical spelling only, so that an id is safe as a path segment. */
export function isId(text: string): boolean {
  return ULID.test(text);
}
