import { access, open, rm } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import type { DiskFolders } from './disk-folders.ts';
import type { DiskLayout } from './disk-layout.ts';
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
  /** Keys that are deleted but whose data file is still in use. */
  readonly isTaken: (key: string) => boolean;
}

export type Publish = (blob: Unpublished) => Promise<BlobInfo>;

/**
 * The one order in which a blob comes to exist; a crash between any two steps leaves all of it or nothing:
 * flush data and sidecar, side by side -> rename data -> rename sidecar -> fsync their folder.
 */
export function createPublish({ layout, folders, isTaken }: PublishOptions): Publish {
  const inProgress = new Set<string>();

  async function publish({ key, tempPath, size, meta, isDurable, flush }: Unpublished): Promise<BlobInfo> {
    const [dataPath, metaPath, tempMeta] = [layout.dataPath(key), layout.metaPath(key), layout.newTempPath()];
    const leftovers = [tempMeta];
    try {
      const sidecar = JSON.stringify({ size, meta });
      await allSettled([assertAbsent(metaPath, key), flush(), writeSidecar(tempMeta, sidecar, isDurable)]);
      if (tempPath !== undefined) {
        await folders.place(tempPath, dataPath);
        leftovers.unshift(dataPath);
      }
      await folders.place(tempMeta, metaPath);
      leftovers.unshift(metaPath);
      if (isDurable) await folders.sync(metaPath);
      return { key, size, meta };
    } catch (error) {
      // One after the other: without its record, what is left of a blob goes at the next start. The error stays the first one.
      for (const path of leftovers) await Promise.allSettled([rm(path, { force: true })]);
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

export async function writeSidecar(path: string, text: string, isDurable: boolean): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(text);
    if (isDurable) await handle.datasync();
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
