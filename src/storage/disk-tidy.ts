import type { Dirent } from 'node:fs';
import { access, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { systemCode } from '../core/errors.ts';
import type { DiskFolders } from './disk-folders.ts';
import { type DiskLayout, META_SUFFIX } from './disk-layout.ts';
import type { Publisher } from './disk-publish.ts';

export interface TidyOptions {
  readonly layout: DiskLayout;
  readonly folders: DiskFolders;
  readonly whileIdle: Publisher['whileIdle'];
}

/**
 * Removes what a crash left among the blobs: bytes without sidecar, empty folders. It looks through all folders, a second
 * for ten thousand of them, so nobody waits for it: such bytes are no blob, and whoever publishes theirs anew overwrites them.
 */
export async function tidyBlobs({ layout, folders, whileIdle }: TidyOptions, signal: AbortSignal): Promise<void> {
  async function tidy(folder: string): Promise<void> {
    signal.throwIfAborted();
    const entries = await entriesOf(folder);
    const names = new Set(entries.map((entry) => entry.name));
    let left = 0;
    for (const entry of entries) {
      const path = join(folder, entry.name);
      const isBlob = entry.name.endsWith(META_SUFFIX) || names.has(entry.name + META_SUFFIX);
      if (entry.isDirectory()) await tidy(path);
      else if (!isBlob) await whileIdle(relative(layout.blobs, path), () => removeAlone(path));
      if (isBlob || entry.isDirectory()) left += 1;
    }
    // Of a folder in it that goes, prune takes those above with it.
    if (left === 0 && folder !== layout.blobs) await folders.prune(join(folder, 'none'));
  }

  await tidy(layout.blobs);
}

/** None where the folder has gone meanwhile. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Looks once more: since the folder was read, the blob may have been published. */
async function removeAlone(path: string): Promise<void> {
  try {
    await access(path + META_SUFFIX);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') await rm(path, { force: true });
  }
}
