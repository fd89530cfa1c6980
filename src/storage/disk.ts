import { rm, stat, statfs, writeFile } from 'node:fs/promises';
import { systemCode, toAppError } from '../core/errors.ts';
import { createDirSync } from './dir-sync.ts';
import { openDiskAppend } from './disk-append.ts';
import { createFlushTurns } from './disk-flush.ts';
import { createFolders } from './disk-folders.ts';
import { createHolds } from './disk-holds.ts';
import { createLayout, prepareLayout } from './disk-layout.ts';
import { createLookup } from './disk-lookup.ts';
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
}

export type DiskStorage = Storage & Adopting & Appendable & Finite & Tidying;

/** Blobs as files of the local disk; what a crash left unfinished is never seen, and removed at once or by `tidy`. Layout: disk-layout.ts. */
export async function openDiskStorage({ dataDir }: DiskStorageOptions): Promise<DiskStorage> {
  const layout = createLayout(dataDir);
  const syncDir = createDirSync();
  await prepareLayout(layout, syncDir);
  const folders = createFolders(layout.blobs, syncDir);
  const lookup = createLookup(layout);
  const room = createRoom(() => statfs(layout.blobs));
  const holds = createHolds(removeData);
  const { publish, whileIdle } = createPublisher({ layout, folders, holds });
  const shared = { publish, flushTurns: createFlushTurns() };
  const { isHealthy, judge } = createHealth();
  const growing = await openDiskAppend({ layout, room, publish, syncDir, onOutcome: (error) => judge(error, true) });

  async function create(key: string, { expectedBytes, durable = true }: CreateOptions = {}): Promise<DiskSink> {
    layout.dataPath(key);
    const reservation = await room.reserve(expectedBytes ?? 0);
    return new DiskSink({
      ...shared,
      key,
      tempPath: layout.newTempPath(),
      isDurable: durable,
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
    await rm(path, { force: true });
    await folders.prune(path);
  }

  return {
    ...{ create, adopt, growing, isHealthy },
    sync: createSync({ layout, lookup, folders }),
    stat: lookup.find,
    async open(key, range) {
      const { size } = await lookup.get(key);
      return readRange(layout.dataPath(key), range ?? { start: 0, end: size - 1 });
    },
    async delete(key) {
      await rm(layout.metaPath(key), { force: true });
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

/** Well until a fault that waiting does not cure, and again once something was stored durably. */
function createHealth(): { isHealthy(): boolean; judge(error: unknown, isDurable: boolean): void } {
  let healthy = true;
  return {
    isHealthy: () => healthy,
    judge(error, isDurable) {
      if (['EIO', 'EROFS'].includes(systemCode(error) ?? '')) healthy = false;
      else if (error === undefined && isDurable) healthy = true;
    },
  };
}
