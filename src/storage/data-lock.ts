import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../core/errors.ts';

export interface DataLock {
  /** Idempotent. */
  close(): void;
}

/** A predecessor that was told to go is given so long to be gone. */
const WAIT_MS = 2000;
const SQLITE_BUSY = 5;
const LOCK = 'lock';
/** Folders that are emptied or swept at start. */
const SWEPT = ['blobs', 'growing', 'tmp', 'work', 'shared'];

/**
 * Makes the folder this process's own until it ends, however it ends: two on one folder would sweep away each other's
 * files. Errors: `conflict`, another process has it; the folder holds folders of somebody else that would be swept.
 *
 * SQLite locks its files by the system (fcntl), which frees them when their process is gone, kill -9 included, and holds
 * them against other containers on the same disk. A file with a process id holds against neither: ids are reused, and
 * each container has its own; so has it its own abstract sockets. Nothing is ever written to the file.
 */
export async function lockDataDir(dataDir: string): Promise<DataLock> {
  await mkdir(dataDir, { recursive: true });
  await assertOurs(dataDir);
  try {
    const lock = new DatabaseSync(join(dataDir, LOCK), { timeout: WAIT_MS });
    lock.exec('BEGIN EXCLUSIVE');
    return {
      close() {
        if (lock.isOpen) lock.close();
      },
    };
  } catch (cause) {
    throw explain(dataDir, cause);
  }
}

/** The lock's file stays, and tells a folder that was ours before from one of the same look. */
async function assertOurs(dataDir: string): Promise<void> {
  const names = await readdir(dataDir);
  const foreign = names.find((name) => SWEPT.includes(name));
  if (foreign === undefined || names.includes(LOCK)) return;
  throw new Error(
    `${dataDir} is no data folder of ours, yet has a folder ${foreign}: give an empty or new one by --data-dir`,
  );
}

function explain(dataDir: string, cause: unknown): Error {
  if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY) {
    const detail = `another Penstock uses the data folder ${dataDir}: stop it, or give this one its own by --data-dir`;
    return new AppError('conflict', detail, { cause });
  }
  return new Error(`the data folder ${dataDir} cannot be locked: ${cause instanceof Error ? cause.message : cause}`, {
    cause,
  });
}
