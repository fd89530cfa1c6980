import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { DirSync } from './dir-sync.ts';
import type { DiskLayout } from './disk-layout.ts';
import { writeAll } from './disk-sink.ts';

/** Zeros that are written ahead: an entry then takes no new block, and its fdatasync no transaction of the file system. */
const STEP_BYTES = 256 * 1024;
/** Of them, left for what has to go through on a full disk as well. */
const RESERVE_BYTES = 64 * 1024;

export interface LogPlace {
  readonly layout: Pick<DiskLayout, 'log' | 'root' | 'newTempPath'>;
  readonly syncDir: DirSync;
}

/** A file that text is appended to, with room ahead. After an error nothing of it can be trusted but what was synced. */
export class LogFile {
  readonly #handle: FileHandle;
  #at = 0;
  #end = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** A new one in the place of the old, all or nothing; it begins with `text`. */
  static async begin({ layout, syncDir }: LogPlace, text: string): Promise<LogFile> {
    const temp = layout.newTempPath();
    const log = new LogFile(await open(temp, 'wx'));
    try {
      await log.append(text);
      await log.reserve(0);
      await log.sync();
      await rename(temp, layout.log);
      await syncDir(layout.root);
      return log;
    } catch (error) {
      await Promise.allSettled([log.close(), rm(temp, { force: true })]);
      throw error;
    }
  }

  /** Bytes of text. */
  get size(): number {
    return this.#at;
  }

  /** So many more bytes fit, whatever becomes of the disk. */
  hasRoom(bytes: number): boolean {
    return this.#end - this.#at >= bytes;
  }

  /** Room for so many bytes, and the reserve behind them. Its errors change nothing. */
  async reserve(bytes: number): Promise<void> {
    while (!this.hasRoom(bytes + RESERVE_BYTES)) {
      const from = Math.max(this.#at, this.#end);
      await writeAll(this.#handle, [Buffer.alloc(STEP_BYTES)], from);
      this.#end = from + STEP_BYTES;
    }
  }

  async append(text: string): Promise<void> {
    this.#at += await writeAll(this.#handle, [Buffer.from(text)], this.#at);
  }

  /** All of it survives power loss on return. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
