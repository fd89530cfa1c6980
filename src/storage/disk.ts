import { stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { systemCode, toAppError } from '../core/errors.ts';
import { createDirSync, type DirSync } from './dir-sync.ts';
import { createDiskAppend } from './disk-append.ts';
import { createFlushTurns } from './disk-flush.ts';
import { createFolders } from './disk-folders.ts';
import { createHolds } from './disk-holds.ts';
import { createLayout, type DiskLayout, prepareLayout } from './disk-layout.ts';
import { DiskLog } from './disk-log.ts';
import { createLookup } from './disk-lookup.ts';
import { withNotes } from './disk-notes.ts';
import { createPublisher } from './disk-publish.ts';
import { readRange } from './disk-read.ts';
import { createRoom } from './disk-room.ts';
import { DiskSink } from './disk-sink.ts';
import { createSync, datasync } from './disk-sync.ts';
import { tidyBlobs } from './disk-tidy.ts';
import type { Adopting, Appendable, BlobInfo, CreateOptions, Finite, Meta, Storage, Tidying } from './storage.ts';

export interface DiskStorageOptions {
  /** Folder for everything; one process at a time. */
  readonly dataDir: string;
  /** Prefixes of blobs without bytes that come and go so fast that they are kept in a log (disk-log.ts). */
  readonly notes?: readonly string[];
}

export type DiskStorage = Storage & Adopting & Appendable & Finite & Tidying & { close(): Promise<void> };

/** Blobs as files of the local disk; what a crash left unfinished is never seen, and removed at once or by `tidy`. Layout: disk-layout.ts. */
export async function openDiskStorage({ dataDir, notes = [] }: DiskStorageOptions): Promise<DiskStorage> {
  const layout = createLayout(dataDir);
  const parts = { layout, syncDir: createDirSync(), ...createHealth() };
  const files = await openFiles(parts);
  const log = await DiskLog.open({ ...parts, onOutcome: (error) => parts.judge(error, true) });
  const close = async () => void (await Promise.all([files.close(), log.close()]));
  return withNotes({ ...files, close }, log, notes);
}

interface Parts extends Health {
  readonly layout: DiskLayout;
  readonly syncDir: DirSync;
}

async function openFiles({ layout, syncDir, isHealthy, judge }: Parts): Promise<DiskStorage> {
  await prepareLayout(layout, syncDir);
  const folders = createFolders(layout.blobs, syncDir);
  const lookup = createLookup(layout);
  const room = createRoom(() => statfs(layout.blobs));
  const holds = createHolds(removeData);
  const { publish, whileIdle, close } = createPublisher({ layout, folders, holds });
  const shared = { publish, flushTurns: createFlushTurns() };
  const growing = createDiskAppend({ layout, room, publish, syncDir, onOutcome: (error) => judge(error, true) });

  async function create(key: string, { expectedBytes, durable = true }: CreateOptions = {}): Promise<DiskSink> {
    layout.dataPath(key);
    const reservation = await room.reserve(expectedBytes ?? 0);
    return new DiskSink({
      ...shared,
      key,
      tempPath: layout.newTempPath(),
      isDurable: durable,
      beforeWrite: reservation.extend,
      onWritten: reservation.use,
      onEnd: (error) => {
        reservation.release();
        judge(error, durable);
      },
    });
  }

  async function adopt(key: string, path: string, meta: Meta, { durable = true } = {}): Promise<BlobInfo> {
    try {
      const { size } = await stat(path);
      const flush = async () => (durable ? await datasync(path) : undefined);
      const info = await publish({ key, tempPath: path, size, meta, isDurable: durable, flush });
      judge(undefined, durable);
      return info;
    } catch (error) {
      judge(error, durable);
      throw toAppError(error);
    }
  }

  async function removeData(key: string): Promise<void> {
    const path = layout.dataPath(key);
    await removeFile(path);
    await folders.prune(path);
  }

  return {
    ...{ create, adopt, growing, isHealthy, close },
    sync: createSync({ layout, lookup, folders }),
    stat: lookup.find,
    async open(key, range) {
      const { size } = await lookup.get(key);
      return readRange(layout.dataPath(key), range ?? { start: 0, end: size - 1 });
    },
    async delete(key) {
      await removeFile(layout.metaPath(key));
      if (!holds.postpone(key)) await removeData(key);
    },
    list: lookup.list,
    async materialize(key) {
      const release = holds.take(key);
      try {
        const { size } = await lookup.get(key);
        const path = layout.dataPath(key);
        if (size === 0) await writeFile(path, '');
        return { path, release };
      } catch (error) {
        await release();
        throw error;
      }
    },
    tidy: (signal) => tidyBlobs({ layout, folders, whileIdle }, signal),
    freeBytes: room.freeBytes,
  };
}

/** Idempotent. `rm` would look twice what it is before it removes it. */
async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
  }
}

interface Health {
  readonly isHealthy: () => boolean;
  readonly judge: (error: unknown, isDurable: boolean) => void;
}

/** Well until a fault that waiting does not cure, and again once something was stored durably. */
function createHealth(): Health {
  let healthy = true;
  return {
    isHealthy: () => healthy,
    judge(error, isDurable) {
      if (['EIO', 'EROFS'].includes(systemCode(error) ?? '')) healthy = false;
      else if (error === undefined && isDurable) healthy = true;
    },
  };
}
