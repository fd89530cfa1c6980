import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, systemCode, toAppError } from '../core/errors.ts';
import { createBrokenIds } from './disk-broken.ts';
import { type Flush, openDiskGrowing } from './disk-growing.ts';
import { type DiskLayout, META_SUFFIX } from './disk-layout.ts';
import { type Publish, writeSidecar } from './disk-publish.ts';
import type { Room } from './disk-room.ts';
import {
  assertKey,
  type Growing,
  type GrowingBlobs,
  type GrowingInfo,
  type GrowingOpenOptions,
  type GrowingState,
  isKey,
} from './storage.ts';

export interface DiskAppendOptions {
  readonly layout: DiskLayout;
  readonly room: Room;
  readonly publish: Publish;
  readonly syncDir: (path: string) => Promise<void>;
  /** Told of each error of the disk, and of each flush that went well as undefined. */
  readonly onOutcome: (error: unknown) => void;
}

/** Growing blobs of a local disk. A state without bytes is one that was published; bytes without state are nobody's. */
export function createDiskAppend({ layout, room, publish, syncDir, onOutcome }: DiskAppendOptions): GrowingBlobs {
  const broken = createBrokenIds(onOutcome);
  const writeState = createStateWriter({ layout, syncDir, onOutcome });

  function pathOf(id: string): string {
    assertKey(`growing/${id}`);
    return join(layout.growing, id);
  }

  async function create(id: string, state: GrowingState): Promise<void> {
    const path = pathOf(id);
    await assertFits(state.expectedBytes ?? 0);
    try {
      await (await open(path, 'wx')).close();
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw new AppError('conflict', `${id} exists`, { cause: error });
      throw toAppError(error);
    }
    try {
      await writeState(path, state);
    } catch (error) {
      await remove(id);
      throw error;
    }
  }

  async function find(id: string): Promise<GrowingInfo | undefined> {
    const path = pathOf(id);
    const stored = await readState(path);
    if (!stored) return undefined;
    broken.assertSound(id);
    const data = await durableSize(path, (act) => broken.flush(id, act));
    return { ...stored.state, size: data?.size ?? 0, changedAt: Math.max(stored.changedAt, data?.changedAt ?? 0) };
  }

  async function update(id: string, state: GrowingState): Promise<void> {
    const path = pathOf(id);
    const stored = await readState(path);
    if (!stored) throw notFound(id);
    if (state.expectedBytes !== stored.state.expectedBytes) await assertFits(await missingBytes(path, state));
    await writeState(path, state);
  }

  /** Only a look: room is held by who writes, so that one who never does holds up nobody. */
  async function assertFits(bytes: number): Promise<void> {
    const reservation = await room.reserve(bytes);
    reservation.release();
  }

  async function openGrowing(id: string, { isForAppend = true }: GrowingOpenOptions = {}): Promise<Growing> {
    const path = pathOf(id);
    broken.assertSound(id);
    const stored = isForAppend ? await readState(path) : undefined;
    const reservation = await room.reserve(stored ? await missingBytes(path, stored.state) : 0);
    const { extend: beforeWrite, use: onWritten, release: onClose } = reservation;
    const flush: Flush = (act) => broken.flush(id, act);
    try {
      return await openDiskGrowing({ path, layout, publish, flush, beforeWrite, onWritten, onClose, onOutcome });
    } catch (error) {
      reservation.release();
      throw systemCode(error) === 'ENOENT' ? notFound(id) : toAppError(error);
    }
  }

  async function remove(id: string): Promise<void> {
    const path = pathOf(id);
    await rm(path + META_SUFFIX, { force: true });
    await rm(path, { force: true });
    broken.forget(id);
  }

  async function* list(): AsyncGenerator<string> {
    const entries = await readdir(layout.growing, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile() && entry.name.endsWith(META_SUFFIX)).map(({ name }) => name);
    for (const id of names.map((name) => name.slice(0, -META_SUFFIX.length)).sort()) {
      // Somebody else's: a file of the file manager.
      if (isKey(`growing/${id}`)) yield id;
    }
  }

  return { create, find, update, open: openGrowing, delete: remove, list };
}

type StateWriter = (path: string, state: GrowingState) => Promise<void>;

/** Replaces the state beside the file at `path`, all or nothing. */
function createStateWriter({ layout, syncDir, onOutcome }: Omit<DiskAppendOptions, 'room' | 'publish'>): StateWriter {
  return async (path, state) => {
    const temp = layout.newTempPath();
    try {
      await writeSidecar(temp, JSON.stringify(state));
      await rename(temp, path + META_SUFFIX);
      await syncDir(layout.growing);
    } catch (error) {
      await rm(temp, { force: true });
      onOutcome(error);
      throw toAppError(error);
    }
  };
}

/** undefined: there is none, or none that can be read. */
async function readState(path: string): Promise<{ state: GrowingState; changedAt: number } | undefined> {
  try {
    const handle = await open(path + META_SUFFIX, 'r');
    try {
      const { mtimeMs } = await handle.stat();
      const parsed: unknown = JSON.parse(await handle.readFile('utf8'));
      if (typeof parsed !== 'object' || parsed === null) return undefined;
      const { note, expectedBytes } = parsed as GrowingState;
      return { state: { note, expectedBytes }, changedAt: mtimeMs };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'EISDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw toAppError(error);
  }
}

/** How much is still to come; nothing once it is published. */
async function missingBytes(path: string, { expectedBytes = 0 }: GrowingState): Promise<number> {
  try {
    const { size } = await stat(path);
    return Math.max(0, expectedBytes - size);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw toAppError(error);
  }
}

/** After a kill the page cache may hold more than the disk: only what a flush has seen is told. */
async function durableSize(path: string, flush: Flush): Promise<{ size: number; changedAt: number } | undefined> {
  try {
    const handle = await open(path, 'r+');
    try {
      const { size, mtimeMs } = await handle.stat();
      await flush(() => handle.datasync());
      return { size, changedAt: mtimeMs };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw toAppError(error);
  }
}

function notFound(id: string): AppError {
  return new AppError('not_found', `there is no ${id}`);
}
