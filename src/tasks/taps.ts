import { Channel } from '../core/channel.ts';

/** Bytes of items that may wait for a caller who reads slowly. */
const TAP_BYTES = 262_144;

/** Carries a generator's items, as JSON, from the job to the one caller whose answer they are. */
export interface Tap {
  readonly items: Channel<string>;
  /** A run has turned out to be a generator: it ends the items, whatever becomes of it. */
  hasBegun: boolean;
}

export interface Taps {
  /** For a job that is about to be submitted. */
  open(jobId: string): Tap;
  /** undefined: nobody reads along. */
  find(jobId: string): Tap | undefined;
  close(jobId: string): void;
}

export function createTaps(): Taps {
  const taps = new Map<string, Tap>();
  return {
    open(jobId) {
      const items = new Channel<string>({ capacity: TAP_BYTES, sizeOf: (json) => json.length });
      const tap: Tap = { items, hasBegun: false };
      taps.set(jobId, tap);
      return tap;
    },
    find: (jobId) => taps.get(jobId),
    close: (jobId) => void taps.delete(jobId),
  };
}
