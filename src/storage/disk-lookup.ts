import { readFile, stat } from 'node:fs/promises';
import { AppError, systemCode, toAppError } from '../core/errors.ts';
import { type DiskLayout, listKeys } from './disk-layout.ts';
import type { BlobInfo, ListOptions, Meta } from './storage.ts';

/** What exists, as the sidecars tell it. */
export interface DiskLookup {
  find(key: string): Promise<BlobInfo | undefined>;
  /** Error: `not_found`. */
  get(key: string): Promise<BlobInfo>;
  list(prefix: string, options?: ListOptions): AsyncGenerator<BlobInfo, void, undefined>;
}

/** Sidecars that a listing reads at a time. */
const READ_AHEAD = 16;

export function createLookup(layout: DiskLayout): DiskLookup {
  async function find(key: string): Promise<BlobInfo | undefined> {
    const [sidecar, dataBytes] = await Promise.all([readSidecar(layout.metaPath(key)), sizeOf(layout.dataPath(key))]);
    // After a power cut, what was not stored durably may have its names and too few bytes.
    return sidecar?.size === dataBytes ? { key, ...sidecar } : undefined;
  }

  async function get(key: string): Promise<BlobInfo> {
    const info = await find(key);
    if (!info) throw new AppError('not_found', `there is no ${key}`);
    return info;
  }

  async function* list(
    prefix: string,
    { limit = Number.POSITIVE_INFINITY, isWanted = () => true, ...order }: ListOptions = {},
  ) {
    let left = limit;
    const keys: string[] = [];
    async function* found(): AsyncGenerator<BlobInfo, void, undefined> {
      for (const info of await Promise.all(keys.splice(0).map(find))) if (info && left-- > 0) yield info;
    }
    for await (const key of listKeys(layout, prefix, order)) {
      if (left <= 0) return;
      if (isWanted(key)) keys.push(key);
      if (keys.length >= Math.min(READ_AHEAD, left)) yield* found();
    }
    yield* found();
  }

  return { find, get, list };
}

async function readSidecar(path: string): Promise<{ size: number; meta: Meta } | undefined> {
  try {
    const { size, meta } = JSON.parse(await readFile(path, 'utf8')) ?? {};
    return typeof size === 'number' && typeof meta === 'object' && meta !== null ? { size, meta } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isAbsent(error)) return undefined;
    throw toAppError(error);
  }
}

/** A blob without bytes has no file. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return 0;
    throw toAppError(error);
  }
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
}
