import { mkdir } from 'node:fs/promises';
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

/**
 * Makes the folder this process's own until it ends, however it ends: two on one folder would sweep away each other's
 * files. Error: `conflict`, another process has it.
 *
 * SQLite locks its files by the system (fcntl), which frees them when their process is gone, kill -9 included, and holds
 * them against other containers on the same disk. A file with a process id holds against neither: ids are reused, and
 * each container has its own; so has it its own abstract sockets. Nothing is ever written to the file.
 */
export async function lockDataDir(dataDir: string): Promise<DataLock> {
  await mkdir(dataDir, { recursive: true });
  try {
    const lock = new DatabaseSync(join(dataDir, 'lock'), { timeout: WAIT_MS });
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

function explain(dataDir: string, cause: unknown): Error {
  if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY) {
    const detail = `another Penstock uses the data folder ${dataDir}: stop it, or give this one its own by --data-dir`;
    return new AppError('conflict', detail, { cause });
  }
  return new Error(`the data folder ${dataDir} cannot be locked: ${cause instanceof Error ? cause.message : cause}`, {
    cause,
  });
}
