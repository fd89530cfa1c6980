import { access, open, rm } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import type { DiskFolders } from './disk-folders.ts';
import type { DiskLayout } from './disk-layout.ts';
import type { WriteQuickly } from './quick-files.ts';
import type { BlobInfo, Meta } from './storage.ts';

/** A finished temporary file that waits for its name. */
export interface Unpublished {
  readonly key: string;
  /** undefined: a blob without bytes has no data file. */
  readonly tempPath: string | undefined;
  readonly size: number;
  readonly meta: Meta;
  readonly isDurable: boolean;
  /** fdatasync of the data where there are any and it is asked for; runs while the sidecar is written. */
  readonly flush: () => Promise<void>;
}

export interface PublishOptions {
  readonly layout: DiskLayout;
  readonly folders: DiskFolders;
  readonly writeQuickly: WriteQuickly;
  /** Keys that are deleted but whose data file is still in use. */
  readonly isTaken: (key: string) => boolean;
}

export type Publish = (blob: Unpublished) => Promise<BlobInfo>;

/**
 * The one order in which a blob comes to exist; a crash between any two steps leaves all of it or nothing:
 * flush data and sidecar, side by side -> rename data -> rename sidecar -> fsync their folder. What need not be durable goes
 * through the same order in one step.
 */
export function createPublish({ layout, folders, writeQuickly, isTaken }: PublishOptions): Publish {
  const inProgress = new Set<string>();

  async function publish({ key, tempPath, size, meta, isDurable, flush }: Unpublished): Promise<BlobInfo> {
    const [dataPath, metaPath, tempMeta] = [layout.dataPath(key), layout.metaPath(key), layout.newTempPath()];
    const data = tempPath === undefined ? [] : [[tempPath, dataPath] as const];
    const moves = [...data, [tempMeta, metaPath] as const];
    const text = JSON.stringify({ size, meta });
    let moved = 0;
    try {
      if (isDurable) await allSettled([assertAbsent(metaPath, key), flush(), writeSidecar(tempMeta, text)]);
      else {
        await flush();
        const outcome = await writeQuickly({ absent: metaPath, path: tempMeta, text, moves });
        moved = outcome.moved;
        if (outcome.isTaken) throw conflict(key);
        if (outcome.error) throw outcome.error;
      }
      for (const [from, to] of moves.slice(moved)) {
        await folders.place(from, to);
        moved += 1;
      }
      if (isDurable) await folders.sync(metaPath);
      return { key, size, meta };
    } catch (error) {
      // One after the other: without its record, what is left of a blob goes at the next start. The error stays the first one.
      const placed = moves.slice(0, moved).map(([, to]) => to);
      for (const path of [...placed.reverse(), tempMeta]) await Promise.allSettled([rm(path, { force: true })]);
      throw error;
    }
  }

  return async (blob) => {
    if (inProgress.has(blob.key) || isTaken(blob.key)) throw conflict(blob.key);
    inProgress.add(blob.key);
    try {
      return await publish(blob);
    } finally {
      inProgress.delete(blob.key);
    }
  };
}

/** Durable on return, but for its name. */
export async function writeSidecar(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Like Promise.all, but fails only when nothing runs any more, so that it is safe to clean up. */
async function allSettled(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/** Error: `conflict`. */
async function assertAbsent(path: string, key: string): Promise<void> {
  try {
    await access(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return;
    throw error;
  }
  throw conflict(key);
}

function conflict(key: string): AppError {
  return new AppError('conflict', `${key} exists`);
}
