import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, systemCode, toAppError } from '../core/errors.ts';
import { openDiskGrowing } from './disk-growing.ts';
import { type DiskLayout, META_SUFFIX } from './disk-layout.ts';
import { type Publish, writeSidecar } from './disk-publish.ts';
import type { Reservation, Room } from './disk-room.ts';
import { assertKey, type GrowingBlobs, type GrowingInfo, type GrowingState } from './storage.ts';

export interface DiskAppendOptions {
  readonly layout: DiskLayout;
  readonly room: Room;
  readonly publish: Publish;
  readonly syncDir: (path: string) => Promise<void>;
  /** Told of each error of the disk, and of each flush that went well as undefined. */
  readonly onOutcome: (error: unknown) => void;
}

/** Growing blobs of a local disk. A state without bytes is one that was published; bytes without state are nobody's. */
export async function openDiskAppend({
  layout,
  room,
  publish,
  syncDir,
  onOutcome,
}: DiskAppendOptions): Promise<GrowingBlobs> {
  const pledges = createPledges(room);
  const writeState = createStateWriter({ layout, syncDir, onOutcome });
  await restore();

  function pathOf(id: string): string {
    assertKey(`growing/${id}`);
    return join(layout.growing, id);
  }

  async function create(id: string, state: GrowingState): Promise<void> {
    const path = pathOf(id);
    try {
      await (await open(path, 'wx')).close();
    } catch (error) {
      if (systemCode(error) === 'EEXIST') throw new AppError('conflict', `${id} exists`, { cause: error });
      throw toAppError(error);
    }
    try {
      await pledges.reserve(id, state.expectedBytes ?? 0);
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
    const data = await durableSize(path);
    return { ...stored.state, size: data?.size ?? 0, changedAt: Math.max(stored.changedAt, data?.changedAt ?? 0) };
  }

  async function update(id: string, state: GrowingState): Promise<void> {
    const path = pathOf(id);
    const stored = await readState(path);
    if (!stored) throw notFound(id);
    if (state.expectedBytes !== stored.state.expectedBytes) await reserveRest(id, state.expectedBytes);
    await writeState(path, state);
  }

  async function reserveRest(id: string, expectedBytes = 0): Promise<void> {
    const data = await durableSize(pathOf(id));
    await pledges.reserve(id, Math.max(0, expectedBytes - (data?.size ?? expectedBytes)));
  }

  async function remove(id: string): Promise<void> {
    const path = pathOf(id);
    pledges.release(id);
    await rm(path + META_SUFFIX, { force: true });
    await rm(path, { force: true });
  }

  async function* list(): AsyncGenerator<string> {
    const names = await readdir(layout.growing);
    for (const name of names.sort()) if (name.endsWith(META_SUFFIX)) yield name.slice(0, -META_SUFFIX.length);
  }

  /** What was promised room before a restart has it again; a disk that is too full for it now says so at the next write. */
  async function restore(): Promise<void> {
    for await (const id of list()) {
      try {
        const stored = await readState(pathOf(id));
        if (stored) await reserveRest(id, stored.state.expectedBytes);
      } catch (error) {
        if (toAppError(error).code !== 'storage_full') throw error;
      }
    }
  }

  return {
    create,
    find,
    update,
    async open(id) {
      try {
        const onWritten = (bytes: number) => pledges.use(id, bytes);
        return await openDiskGrowing({ path: pathOf(id), layout, publish, onWritten, onOutcome });
      } catch (error) {
        throw systemCode(error) === 'ENOENT' ? notFound(id) : toAppError(error);
      }
    },
    delete: remove,
    list,
  };
}

/** The room that is reserved for each growing blob, opened or not. */
function createPledges(room: Room) {
  const reservations = new Map<string, Reservation>();
  function release(id: string): void {
    reservations.get(id)?.release();
    reservations.delete(id);
  }
  return {
    /** In place of what was reserved before. Error: `storage_full`. */
    async reserve(id: string, bytes: number): Promise<void> {
      const reservation = await room.reserve(bytes);
      release(id);
      reservations.set(id, reservation);
    },
    use: (id: string, bytes: number) => reservations.get(id)?.use(bytes),
    release,
  };
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
      const { note, expectedBytes } = JSON.parse(await handle.readFile('utf8'));
      return { state: { note, expectedBytes }, changedAt: mtimeMs };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined;
    throw toAppError(error);
  }
}

/** After a kill the page cache may hold more than the disk: only what a flush has seen is told. */
async function durableSize(path: string): Promise<{ size: number; changedAt: number } | undefined> {
  try {
    const handle = await open(path, 'r+');
    try {
      const { size, mtimeMs } = await handle.stat();
      await handle.datasync();
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
