import { mkdirSync } from 'node:fs';

/** A folder that is made when it is first asked for. */
export interface LazyFolder {
  /** Its path; the folder exists from here on, until it is removed. */
  readonly path: string;
  readonly isMade: boolean;
  /** None is made any more: its call is over. */
  close(): void;
}

/**
 * For the folders of single calls, of which most need none: ext4 passes over inodes that were freed within the last five
 * seconds one by one, so a folder made and removed for each of a thousand calls a second slows every new file of the disk.
 */
export function createLazyFolder(path: string): LazyFolder {
  let isMade = false;
  let isClosed = false;
  return {
    get path() {
      if (!isMade && !isClosed) {
        mkdirSync(path, { recursive: true });
        isMade = true;
      }
      return path;
    },
    get isMade() {
      return isMade;
    },
    close() {
      isClosed = true;
    },
  };
}
