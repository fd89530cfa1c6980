import assert from 'node:assert/strict';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { toAppError } from '../core/errors.ts';
import { Flusher, type FlushTurns } from './disk-flush.ts';
import type { Publish } from './disk-publish.ts';
import type { BlobInfo, Meta, ReadBack, Sink } from './storage.ts';

export interface DiskSinkOptions {
  readonly key: string;
  readonly tempPath: string;
  readonly isDurable: boolean;
  readonly flushTurns: FlushTurns;
  readonly publish: Publish;
  /** Asked before each write; undefined: there is room. */
  readonly beforeWrite: (bytes: number) => Promise<void> | undefined;
  /** Told each number of bytes that was written. */
  readonly onWritten: (bytes: number) => void;
  /** Told once, when the sink is committed (undefined) or has failed or was aborted. */
  readonly onEnd: (error: unknown) => void;
}

/**
 * One temporary file on its way to a blob, made with the first byte.
 *
 *     open --commit()--> committed
 *       +----abort(), or any error----> aborted   descriptor closed, temporary file gone
 */
export class DiskSink implements Sink, ReadBack {
  readonly #options: DiskSinkOptions;
  #file: { readonly handle: FileHandle; readonly flusher: Flusher | undefined } | undefined;
  #size = 0;
  #state: 'open' | 'committed' | 'aborted' = 'open';

  constructor(options: DiskSinkOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.tempPath;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    assert(this.#state === 'open', 'a sink takes bytes until it is committed or aborted');
    try {
      this.#file ??= await this.#open();
      const extended = this.#options.beforeWrite(bytesOf(chunks));
      if (extended) await extended;
      const bytes = await writeAll(this.#file.handle, chunks);
      this.#size += bytes;
      this.#options.onWritten(bytes);
      this.#file.flusher?.wrote(bytes);
    } catch (error) {
      await this.#discard(error);
      throw toAppError(error);
    }
  }

  async commit(meta: Meta): Promise<BlobInfo> {
    assert(this.#state === 'open', 'a sink is committed once');
    const { key, tempPath, isDurable, publish, onEnd } = this.#options;
    try {
      const info = await publish({
        key,
        tempPath: this.#file && tempPath,
        size: this.#size,
        meta,
        isDurable,
        flush: () => this.#flush(),
      });
      this.#state = 'committed';
      onEnd(undefined);
      return info;
    } catch (error) {
      await this.#discard(error);
      throw toAppError(error);
    }
  }

  async abort(): Promise<void> {
    await this.#discard(undefined);
  }

  async #open() {
    const { tempPath, isDurable, flushTurns } = this.#options;
    const handle = await open(tempPath, 'wx');
    return { handle, flusher: isDurable ? new Flusher(handle, flushTurns) : undefined };
  }

  async #flush(): Promise<void> {
    await this.#file?.flusher?.finish();
    await this.#close();
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.flusher?.settle();
    await file?.handle.close();
  }

  async #discard(error: unknown): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'aborted';
    this.#options.onEnd(error);
    // What cannot be removed on a broken disk goes at the next start, and must not hide the error that brought us here.
    await Promise.allSettled([this.#close()]);
    await Promise.allSettled([rm(this.#options.tempPath, { force: true })]);
  }
}

/** Writes all of it, at the end of what was written or at `position`, however short the single writes turn out. */
export async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[], position?: number): Promise<number> {
  const total = bytesOf(chunks);
  let rest = chunks;
  for (let written = 0; written < total; ) {
    const { bytesWritten } = await handle.writev(rest, position === undefined ? undefined : position + written);
    // A file system that takes nothing and reports nothing would keep us here for ever.
    if (bytesWritten === 0) throw new Error('the file system took no bytes of a write');
    written += bytesWritten;
    if (written < total) rest = skipBytes(rest, bytesWritten);
  }
  return total;
}

export function bytesOf(chunks: readonly Uint8Array[]): number {
  let total = 0;
  for (const chunk of chunks) total += chunk.byteLength;
  return total;
}

/** What is left of the chunks after their first `count` bytes. */
function skipBytes(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  for (const [index, chunk] of chunks.entries()) {
    if (left < chunk.byteLength) return [chunk.subarray(left), ...chunks.slice(index + 1)];
    left -= chunk.byteLength;
  }
  return [];
}
