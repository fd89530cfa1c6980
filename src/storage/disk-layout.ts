import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { systemCode } from '../core/errors.ts';
import type { DirSync } from './dir-sync.ts';
import { assertKey, isKey } from './storage.ts';

export const META_SUFFIX = '.json';

/**
 * Where things lie: `blobs/<key>` the bytes, `blobs/<key>.json` the sidecar whose presence makes the blob exist,
 * `growing/<id>` and `growing/<id>.json` the same for what still grows, `notes.log` (disk-log.ts), `tmp/`.
 */
export interface DiskLayout {
  /** Absolute, and everything below is. */
  readonly root: string;
  readonly blobs: string;
  readonly growing: string;
  readonly log: string;
  readonly tmp: string;
  dataPath(key: string): string;
  metaPath(key: string): string;
  /** A name that no one else uses, on the file system of the blobs. */
  newTempPath(): string;
}

export function createLayout(dataDir: string): DiskLayout {
  const root = resolve(dataDir);
  const blobs = join(root, 'blobs');
  const tmp = join(root, 'tmp');
  const start = randomBytes(6).toString('hex');
  let count = 0;
  function dataPath(key: string): string {
    assertKey(key);
    return join(blobs, key);
  }
  return {
    root,
    blobs,
    growing: join(root, 'growing'),
    log: join(root, 'notes.log'),
    tmp,
    dataPath,
    metaPath: (key) => dataPath(key) + META_SUFFIX,
    newTempPath: () => join(tmp, `${start}-${(count++).toString(36)}`),
  };
}

/** Makes the folders and removes what a crash left of what was being written; of the blobs, that is for disk-tidy.ts. */
export async function prepareLayout(layout: DiskLayout, syncDir: DirSync): Promise<void> {
  await rm(layout.tmp, { recursive: true, force: true });
  await mkdir(layout.tmp, { recursive: true });
  await mkdir(layout.blobs, { recursive: true });
  await mkdir(layout.growing, { recursive: true });
  // A file is only as durable as the folders above it.
  await syncDir(layout.root);
  await syncDir(dirname(layout.root));
  await sweep(layout.growing);
}

/** Bytes without a state. A folder is somebody else's. */
async function sweep(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = new Set(entries.map(({ name }) => name));
  for (const { name } of entries.filter((entry) => entry.isFile())) {
    if (!name.endsWith(META_SUFFIX) && !names.has(name + META_SUFFIX)) await rm(join(folder, name), { force: true });
  }
}

/** Keys under a prefix such as `files/`, in key order, without reading a file. */
export async function* listKeys(
  layout: DiskLayout,
  prefix: string,
  options: { after?: string; isReversed?: boolean },
): AsyncGenerator<string> {
  const { after, isReversed = false } = options;
  const direction = isReversed ? -1 : 1;
  for (const { name, isFolder } of await namesIn(join(layout.blobs, prefix), direction)) {
    const key = prefix + name;
    // Somebody else's: a copy, a file of the file manager.
    if (!isKey(key)) continue;
    if (isFolder) yield* listKeys(layout, `${key}/`, options);
    else if (after === undefined || (isReversed ? key < after : key > after)) yield key;
  }
}

async function namesIn(folder: string, direction: 1 | -1): Promise<{ name: string; isFolder: boolean }[]> {
  const names: { name: string; isFolder: boolean }[] = [];
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) names.push({ name: entry.name, isFolder: true });
      else if (entry.name.endsWith(META_SUFFIX))
        names.push({ name: entry.name.slice(0, -META_SUFFIX.length), isFolder: false });
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  return names.sort((a, b) => (sortKey(a) < sortKey(b) ? -direction : direction));
}

/** A folder sorts as the keys below it do: `a/` comes after `a-b` although `a` comes before it. */
function sortKey({ name, isFolder }: { name: string; isFolder: boolean }): string {
  return isFolder ? `${name}/` : name;
}
