import type { ListOptions } from './storage.ts';

/** What `list` tells of, among keys that are in memory. */
export function pickKeys(keys: Iterable<string>, prefix: string, options: ListOptions): string[] {
  const { after, limit, isReversed = false, isWanted = () => true } = options;
  const isIn = (key: string) =>
    key.startsWith(prefix) && isWanted(key) && (after === undefined || (isReversed ? key < after : key > after));
  const picked = [...keys].filter(isIn).sort();
  if (isReversed) picked.reverse();
  return picked.slice(0, limit);
}
