import type { FileHandle } from 'node:fs/promises';

/**
 * What is written goes to the disk in steps of so many bytes, while more comes in, so that the commit finds little left to
 * wait for. Measured with 1 GB: 1250 MB/s and 15 ms of waiting at the end, without it 820 MB/s and 450 ms.
 */
const STEP_BYTES = 32 * 1024 * 1024;
/** A flush holds a thread of libuv's pool, often for long, and everything else that touches the disk needs one, too. */
const MAX_EARLY_FLUSHES = 2;

/** Starts the work if it is its turn, and tells whether it did. */
export type FlushTurns = (work: () => Promise<void>) => boolean;

/** Early flushes of all files together: so many at once, and who comes when all turns are taken tries again later. */
export function createFlushTurns(): FlushTurns {
  let running = 0;
  return (work) => {
    if (running >= MAX_EARLY_FLUSHES) return false;
    running += 1;
    void work().finally(() => (running -= 1));
    return true;
  };
}

/** The fdatasyncs of one file. The first failure is final: a second try could succeed although bytes were lost. */
export class Flusher {
  readonly #handle: FileHandle;
  readonly #turns: FlushTurns;
  #unflushedBytes = 0;
  #early: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(handle: FileHandle, turns: FlushTurns) {
    this.#handle = handle;
    this.#turns = turns;
  }

  /** So many more bytes were written. Throws if an early flush has failed. */
  wrote(bytes: number): void {
    this.#throwFailure();
    this.#unflushedBytes += bytes;
    if (this.#early || this.#unflushedBytes < STEP_BYTES) return;
    this.#turns(() => {
      this.#unflushedBytes = 0;
      this.#early = this.#flushEarly();
      return this.#early;
    });
  }

  /** All that was written is on the disk. */
  async finish(): Promise<void> {
    await this.#early;
    this.#throwFailure();
    await this.#handle.datasync();
  }

  /** Resolves when no flush runs: only then the descriptor may be closed. */
  async settle(): Promise<void> {
    await this.#early;
  }

  /** Never rejects: the failure is told by what comes next. */
  async #flushEarly(): Promise<void> {
    try {
      await this.#handle.datasync();
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#early = undefined;
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
