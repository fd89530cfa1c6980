import { readFileSync } from 'node:fs';

/** The rest of the descriptors is for files, pipes and libraries. */
const SHARE_OF_DESCRIPTORS = 0.6;
const WITHOUT_KNOWN_LIMIT = 10_000;

/** How many connections are safe: out of descriptors, accepting spins and storing fails. */
export function connectionLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? WITHOUT_KNOWN_LIMIT : Math.max(1, Math.floor(Number(soft) * SHARE_OF_DESCRIPTORS));
  } catch {
    // No Linux: the usual limits of others are far above.
    return WITHOUT_KNOWN_LIMIT;
  }
}
