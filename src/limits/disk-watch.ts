import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';

/** A reading of the disk serves for so long: a burst of small uploads does not ask for each. */
const FRESH_MS = 500;
/** The floor is never more than this share of the disk, so that a small one can be used, too. */
const MAX_SHARE = 0.05;
/** The same floor for inodes: a file takes two, and one more on its way. */
const MIN_FREE_INODES = 1000;
const RETRY_AFTER_S = 30;

export interface DiskWatchOptions {
  readonly dataDir: string;
  /** The floor, in bytes. */
  readonly minFreeBytes: number;
  /** false after a fault of the disk that waiting does not cure. */
  readonly isHealthy: () => boolean;
  /** Default: the file system's. */
  readonly statDisk?: (path: string) => Promise<DiskFigures>;
}

type DiskFigures = Pick<StatsFs, 'bavail' | 'blocks' | 'bsize' | 'files' | 'ffree'>;

export interface DiskWatch {
  /** Before an upload is read. Error: `storage_full` while the free disk is below the floor. */
  assertRoom(): Promise<void>;
  /** What keeps the server from taking uploads; undefined: nothing. */
  trouble(): Promise<string | undefined>;
}

export function createDiskWatch({ dataDir, minFreeBytes, isHealthy, statDisk = statfs }: DiskWatchOptions): DiskWatch {
  let readAt = Number.NEGATIVE_INFINITY;
  let shortage: string | undefined;

  async function findShortage(): Promise<string | undefined> {
    if (performance.now() - readAt < FRESH_MS) return shortage;
    const disk = await statDisk(dataDir);
    readAt = performance.now();
    shortage = shortageOf(disk, minFreeBytes);
    return shortage;
  }

  async function assertRoom(): Promise<void> {
    const found = await findShortage();
    if (found === undefined) return;
    throw new AppError('storage_full', `${found}: free space in the data directory and send it again`, {
      retryAfterS: RETRY_AFTER_S,
    });
  }

  async function trouble(): Promise<string | undefined> {
    if (!isHealthy()) return 'the disk failed; see the log';
    return await findShortage();
  }

  return { assertRoom, trouble };
}

/** undefined: there is enough. A file system without a table of inodes (btrfs) tells 0 of them. */
function shortageOf({ bavail, blocks, bsize, files, ffree }: DiskFigures, minFreeBytes: number): string | undefined {
  if (bavail * bsize < Math.min(minFreeBytes, blocks * bsize * MAX_SHARE)) return 'the disk is nearly full';
  const isShort = files > 0 && ffree < Math.min(MIN_FREE_INODES, files * MAX_SHARE);
  return isShort ? 'the disk has hardly any inodes left for new files' : undefined;
}
