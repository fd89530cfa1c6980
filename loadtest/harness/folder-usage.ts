import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Regular files only; bytes as the files say, not as blocks. */
export interface FolderUsage {
  readonly files: number;
  readonly bytes: number;
}

/** Counts what lies below a folder; files that go meanwhile are left out. */
export async function usageOf(folder: string): Promise<FolderUsage> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => sizeOf(join(entry.parentPath, entry.name))),
  );
  const known = sizes.filter((size) => size !== undefined);
  return { files: known.length, bytes: known.reduce((sum, size) => sum + size, 0) };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
