import assert from 'node:assert/strict';
import { constants, copyFile, type FileHandle, link, open, readFile, rm, stat } from 'node:fs/promises';
import { systemCode, toAppError } from '../core/errors.ts';
import type { DiskLayout } from './disk-layout.ts';
import type { Publish } from './disk-publish.ts';
import { readRange } from './disk-read.ts';
import { bytesOf, writeAll } from './disk-sink.ts';
import { datasync } from './disk-sync.ts';
import type { BlobInfo, ByteRange, Growing, Meta, ReadBack } from './storage.ts';

/** Does what makes bytes durable. Error: `BrokenGrowing`, now or since an earlier call failed. */
export type Flush = <T>(act: () => Promise<T>) => Promise<T>;

export interface DiskGrowingOptions {
  /** The file that grows. */
  readonly path: string;
  readonly layout: DiskLayout;
  readonly publish: Publish;
  readonly flush: Flush;
  /** Asked before each write; undefined: there is room. */
  readonly beforeWrite: (bytes: number) => Promise<void> | undefined;
  /** Told each number of bytes that was written; negative: taken back. */
  readonly onWritten: (bytes: number) => void;
  /** Told when nothing more will be written; maybe more than once. */
  readonly onClose: () => void;
  /** Told of each error of the disk, and of each flush that went well as undefined. */
  readonly onOutcome: (error: unknown) => void;
}

/** Error: ENOENT. */
export async function openDiskGrowing(options: DiskGrowingOptions): Promise<Growing & ReadBack> {
  return new DiskGrowing(options, await open(options.path, constants.O_RDWR | constants.O_APPEND));
}

/** The bytes go to the end of one file, whose size is all there is to know about how far it is. */
class DiskGrowing implements Growing, ReadBack {
  readonly #options: DiskGrowingOptions;
  #handle: FileHandle | undefined;

  constructor(options: DiskGrowingOptions, handle: FileHandle) {
    this.#options = options;
    this.#handle = handle;
  }

  get path(): string {
    return this.#options.path;
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    const { beforeWrite, onWritten } = this.#options;
    return this.#judged(async (handle) => {
      const extended = beforeWrite(bytesOf(chunks));
      if (extended) await extended;
      onWritten(await writeAll(handle, chunks));
    });
  }

  flush(): Promise<number> {
    return this.#judged(async (handle) => {
      await this.#options.flush(() => handle.datasync());
      const { size } = await handle.stat();
      this.#options.onOutcome(undefined);
      return size;
    });
  }

  truncate(size: number): Promise<void> {
    return this.#judged(async (handle) => {
      const { size: before } = await handle.stat();
      assert(size <= before, 'only what is there can be taken back');
      await this.#options.flush(async () => {
        await handle.truncate(size);
        await handle.datasync();
      });
      this.#options.onWritten(size - before);
    });
  }

  read(range: ByteRange): AsyncIterable<Uint8Array> {
    return readRange(this.path, range);
  }

  publish(key: string, meta: Meta): Promise<BlobInfo> {
    return this.#judged(async (handle) => {
      const { size } = await handle.stat();
      const info = { key, size, meta };
      if (!(await this.#isPublished(info))) await this.#publish(info);
      // The file is the blob's now: nothing may be appended any more.
      await this.close();
      await rm(this.path, { force: true });
      return info;
    });
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#options.onClose();
    await handle?.close();
  }

  /** A second name, not a rename: what a crash leaves half published is swept at the next start, and these bytes are still here. */
  async #publish(info: BlobInfo): Promise<void> {
    const { layout, publish } = this.#options;
    const tempPath = layout.newTempPath();
    try {
      const isCopy = await linkOrCopy(this.path, tempPath);
      const flush = async () => {
        await this.flush();
        if (isCopy) await datasync(tempPath);
      };
      await publish({ ...info, tempPath: info.size > 0 ? tempPath : undefined, isDurable: true, flush });
    } finally {
      await rm(tempPath, { force: true });
    }
  }

  /** True if the blob is this file, or its copy: a crash came between its publication and the removal of the old name. */
  async #isPublished({ key, size, meta }: BlobInfo): Promise<boolean> {
    const { layout } = this.#options;
    try {
      const sidecar = await readFile(layout.metaPath(key), 'utf8');
      // A blob without bytes has no file to compare.
      if (size === 0) return true;
      const [own, blob] = await Promise.all([stat(this.path), stat(layout.dataPath(key))]);
      if (own.ino === blob.ino && own.dev === blob.dev) return true;
      // A copy has an inode of its own; equal digests make it the same file.
      return meta.sha256 !== undefined && sidecar === JSON.stringify({ size, meta });
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return false;
      throw error;
    }
  }

  async #judged<T>(act: (handle: FileHandle) => Promise<T>): Promise<T> {
    assert(this.#handle, 'a growing blob is used until it is closed');
    try {
      return await act(this.#handle);
    } catch (error) {
      this.#options.onOutcome(error);
      throw toAppError(error);
    }
  }
}

/** Some file systems (FAT, some network shares) have no hard links; true: it is a copy, of its own bytes. */
async function linkOrCopy(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return false;
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? '')) throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return true;
  }
}
