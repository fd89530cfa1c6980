import type { StatsFs } from 'node:fs';
import { AppError } from '../core/errors.ts';

/** Room on the disk, with what running uploads have announced and not yet written taken as gone. */
export interface Room {
  freeBytes(): Promise<number>;
  /** Error: `storage_full`. */
  reserve(bytes: number): Promise<Reservation>;
}

export interface Reservation {
  /**
   * Before a write, where more comes than was asked for: as much again as there is, so that bytes of unknown length keep out of
   * what others have reserved. undefined: there is room. Error: `storage_full`.
   */
  extend(bytes: number): Promise<void> | undefined;
  /** So many more bytes are written now, and the file system counts them itself; negative: taken back. */
  use(bytes: number): void;
  /** Idempotent; `use` does nothing after it. */
  release(): void;
}

/** Left free for sidecars and folders: 1 % of the disk, but no more than this. */
const MAX_MARGIN_BYTES = 64 * 1024 * 1024;
/** So little is not asked for. */
const UNASKED_BYTES = 1024 * 1024;
const MAX_STEP_BYTES = 64 * 1024 * 1024;

export function createRoom(statDisk: () => Promise<StatsFs>): Room {
  let reservedBytes = 0;

  async function reserve(wanted: number): Promise<Reservation> {
    if (wanted > 0) assertFits(wanted, await statDisk());
    let bytes = wanted;
    let written = 0;
    let left = 0;
    let isReleased = false;
    function setLeft(count: number): void {
      reservedBytes += count - left;
      left = count;
    }
    setLeft(bytes);

    async function add(missing: number): Promise<void> {
      const disk = await statDisk();
      const step = Math.max(missing, Math.min(written, MAX_STEP_BYTES));
      const more = fits(step, disk) ? step : missing;
      assertFits(more, disk);
      bytes = Math.max(bytes, written) + more;
      setLeft(left + more);
    }

    return {
      extend(count) {
        const needed = written + count;
        return needed <= Math.max(bytes, UNASKED_BYTES) || isReleased
          ? undefined
          : add(needed - Math.max(bytes, written));
      },
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

  function fits(bytes: number, { bavail, blocks, bsize }: StatsFs): boolean {
    const margin = Math.min(MAX_MARGIN_BYTES, (blocks * bsize) / 100);
    return bavail * bsize - reservedBytes - bytes >= margin;
  }

  function assertFits(bytes: number, disk: StatsFs): void {
    if (fits(bytes, disk)) return;
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
