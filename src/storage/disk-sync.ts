import { open } from 'node:fs/promises';
import type { DiskFolders } from './disk-folders.ts';
import type { DiskLayout } from './disk-layout.ts';
import type { DiskLookup } from './disk-lookup.ts';
import type { Storage } from './storage.ts';

export interface SyncOptions {
  readonly layout: DiskLayout;
  readonly lookup: DiskLookup;
  readonly folders: DiskFolders;
}

/** Data and sidecar of each blob, then the names, of which all in one folder share an fsync. */
export function createSync({ layout, lookup, folders }: SyncOptions): Storage['sync'] {
  return async (prefix) => {
    const blobs = await Array.fromAsync(lookup.list(prefix));
    const metaPaths = blobs.map(({ key }) => layout.metaPath(key));
    const dataPaths = blobs.filter(({ size }) => size > 0).map(({ key }) => layout.dataPath(key));
    await Promise.all([...metaPaths, ...dataPaths].map(datasync));
    await Promise.all(metaPaths.map(folders.sync));
  };
}

/** fdatasync of the file at a path. */
export async function datasync(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
