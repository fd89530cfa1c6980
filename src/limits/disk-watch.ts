import { statfs } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';

/** A reading of the disk serves for so long: a burst of small uploads does not ask for each. */
const FRESH_MS = 500;
/** The floor is never more than this share of the disk, so that a small one can be used, too. */
const MAX_SHARE = 0.05;
const RETRY_AFTER_S = 30;

export interface DiskWatchOptions {
  readonly dataDir: string;
  /** The floor, in bytes. */
  readonly minFreeBytes: number;
  /** false after a fault of the disk that waiting does not cure. */
  readonly isHealthy: () => boolean;
}

export interface DiskWatch {
  /** Before an upload is read. Error: `storage_full` while the free disk is below the floor. */
  assertRoom(): Promise<void>;
  /** What keeps the server from taking uploads; undefined: nothing. */
  trouble(): Promise<string | undefined>;
}

export function createDiskWatch({ dataDir, minFreeBytes, isHealthy }: DiskWatchOptions): DiskWatch {
  let readAt = Number.NEGATIVE_INFINITY;
  let isBelow = false;

  async function isBelowFloor(): Promise<boolean> {
    if (performance.now() - readAt < FRESH_MS) return isBelow;
    const { bavail, blocks, bsize } = await statfs(dataDir);
    readAt = performance.now();
    isBelow = bavail * bsize < Math.min(minFreeBytes, blocks * bsize * MAX_SHARE);
    return isBelow;
  }

  async function assertRoom(): Promise<void> {
    if (!(await isBelowFloor())) return;
    throw new AppError('storage_full', 'the disk is nearly full: free space in the data directory and send it again', {
      retryAfterS: RETRY_AFTER_S,
    });
  }

  async function trouble(): Promise<string | undefined> {
    if (!isHealthy()) return 'the disk failed; see the log';
    return (await isBelowFloor()) ? 'the disk is nearly full' : undefined;
  }

  return { assertRoom, trouble };
}
