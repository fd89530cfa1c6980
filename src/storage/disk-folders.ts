import { mkdir, rename, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../core/errors.ts';
import type { DirSync } from './dir-sync.ts';

/** Renames into folders that come and go with the blobs in them. */
export interface DiskFolders {
  /** Gives a file its final name, making the folders above it. */
  place(from: string, to: string): Promise<void>;
  /** Makes a name durable: fsync of its folder, and of those above that are new. */
  sync(path: string): Promise<void>;
  /** Removes the folders that a deleted file leaves empty, but not the top ones. */
  prune(path: string): Promise<void>;
}

/** How often a folder may vanish, by `prune`, between its making and its use. */
const PLACE_ATTEMPTS = 5;

/** `top` exists and stays, and so do the folders directly in it. */
export function createFolders(top: string, syncDir: DirSync): DiskFolders {
  /** Folders whose own name may not be durable yet. */
  const unsynced = new Set<string>();

  async function place(from: string, to: string, attempt = 1): Promise<void> {
    try {
      await rename(from, to);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT' || attempt === PLACE_ATTEMPTS) throw error;
      // Before mkdir, so that no one else finds the folder and takes it for durable.
      for (const folder of foldersAbove(to)) unsynced.add(folder);
      await mkdir(dirname(to), { recursive: true });
      await place(from, to, attempt + 1);
    }
  }

  async function sync(path: string): Promise<void> {
    const fresh = foldersAbove(path).filter((folder) => unsynced.has(folder));
    const parents = new Set([dirname(path), ...fresh.map((folder) => dirname(folder))]);
    await Promise.all([...parents].map(syncDir));
    for (const folder of fresh) unsynced.delete(folder);
  }

  async function prune(path: string): Promise<void> {
    for (const folder of foldersAbove(path).slice(0, -1)) {
      try {
        await rmdir(folder);
        unsynced.delete(folder);
      } catch (error) {
        if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemCode(error) ?? '')) return;
        throw error;
      }
    }
  }

  /** Innermost first, without `top`. */
  function foldersAbove(path: string): string[] {
    const folders: string[] = [];
    for (let folder = dirname(path); folder !== top; folder = dirname(folder)) folders.push(folder);
    return folders;
  }

  return { place: (from, to) => place(from, to), sync, prune };
}
