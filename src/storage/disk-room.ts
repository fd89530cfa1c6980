import type { StatsFs } from 'node:fs';
import { AppError } from '../core/errors.ts';

/** Room on the disk, with what running uploads have announced and not yet written taken as gone. */
export interface Room {
  freeBytes(): Promise<number>;
  /** Error: `storage_full`. */
  reserve(bytes: number): Promise<Reservation>;
}

export interface Reservation {
  /** So many more bytes are written now, and the file system counts them itself; negative: taken back. */
  use(bytes: number): void;
  /** Idempotent; `use` does nothing after it. */
  release(): void;
}

/** Left free for sidecars and folders: 1 % of the disk, but no more than this. */
const MAX_MARGIN_BYTES = 64 * 1024 * 1024;

export function createRoom(statDisk: () => Promise<StatsFs>): Room {
  let reservedBytes = 0;

  async function reserve(bytes: number): Promise<Reservation> {
    if (bytes > 0) assertFits(bytes, await statDisk());
    let written = 0;
    let left = 0;
    let isReleased = false;
    function setLeft(count: number): void {
      reservedBytes += count - left;
      left = count;
    }
    setLeft(bytes);
    return {
      use(count) {
        if (isReleased) return;
        written += count;
        // Never more than was asked for, however much is taken back.
        setLeft(Math.min(bytes, Math.max(0, bytes - written)));
      },
      release() {
        isReleased = true;
        setLeft(0);
      },
    };
  }

  function assertFits(bytes: number, { bavail, blocks, bsize }: StatsFs): void {
    const margin = Math.min(MAX_MARGIN_BYTES, (blocks * bsize) / 100);
    if (bavail * bsize - reservedBytes - bytes >= margin) return;
    throw new AppError('storage_full', `there is no room for ${bytes} bytes: free space or send it later`, {
      retryAfterS: 10,
    });
  }

  async function freeBytes(): Promise<number> {
    const { bavail, bsize } = await statDisk();
    return Math.max(0, bavail * bsize - reservedBytes);
  }

  return { freeBytes, reserve };
}
