import { access, open, rm } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import type { DiskFolders } from './disk-folders.ts';
import type { Holds } from './disk-holds.ts';
import type { DiskLayout } from './disk-layout.ts';
import { createQuickFiles } from './quick-files.ts';
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
  readonly holds: Pick<Holds, 'isHeld' | 'isDoomed'>;
}

export type Publish = (blob: Unpublished) => Promise<BlobInfo>;

export interface Publisher {
  readonly publish: Publish;
  /** Does it while nobody publishes or uses that key, and who then wants to publish it waits; does nothing where somebody does. */
  readonly whileIdle: (key: string, act: () => Promise<void>) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * The one order in which a blob comes to exist; a crash between any two steps leaves all of it or nothing:
 * flush data and sidecar, side by side -> rename data -> rename sidecar -> fsync their folder. What need not be durable goes
 * through the same order in one step.
 */
export function createPublisher({ layout, folders, holds }: PublishOptions): Publisher {
  const quickFiles = createQuickFiles();
  const inProgress = new Set<string>();
  const idle = new Map<string, Promise<unknown>>();

  async function bringOut({ key, tempPath, size, meta, isDurable, flush }: Unpublished): Promise<BlobInfo> {
    const [dataPath, metaPath, tempMeta] = [layout.dataPath(key), layout.metaPath(key), layout.newTempPath()];
    const data = tempPath === undefined ? [] : [[tempPath, dataPath] as const];
    const moves = [...data, [tempMeta, metaPath] as const];
    const text = JSON.stringify({ size, meta });
    let moved = 0;
    try {
      if (isDurable) await allSettled([assertAbsent(metaPath, key), flush(), writeSidecar(tempMeta, text)]);
      else {
        await flush();
        const outcome = await quickFiles.write({ absent: metaPath, path: tempMeta, text, moves });
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

  async function publish(blob: Unpublished): Promise<BlobInfo> {
    if (idle.size > 0) await idle.get(blob.key);
    if (inProgress.has(blob.key) || holds.isDoomed(blob.key)) throw conflict(blob.key);
    inProgress.add(blob.key);
    try {
      return await bringOut(blob);
    } finally {
      inProgress.delete(blob.key);
    }
  }

  async function whileIdle(key: string, act: () => Promise<void>): Promise<void> {
    if (inProgress.has(key) || holds.isHeld(key)) return;
    const acting = act();
    idle.set(
      key,
      acting.catch(() => undefined),
    );
    try {
      await acting;
    } finally {
      idle.delete(key);
    }
  }

  return { publish, whileIdle, close: quickFiles.close };
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
