import { monotonicFactory } from 'ulid';

/** Makes one id after the other: 26 characters, sorted by time even within a millisecond (https://github.com/ulid/spec). */
export function createIdSource(): () => string {
  const next = monotonicFactory();
  return () => next();
}

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** True for the exact canonical spelling only, so that an id is safe as a path segment. */
export function isId(text: string): boolean {
  return ULID.test(text);
}
