import { Channel } from '../core/channel.ts';

/** Bytes of items that may wait for a caller who reads slowly. */
const TAP_BYTES = 262_144;

/** Carries a generator's items, as JSON, from the job to the one caller whose answer they are. */
export interface Taps {
  /** For a job that is about to be submitted. */
  open(jobId: string): Channel<string>;
  /** undefined: nobody reads along. */
  find(jobId: string): Channel<string> | undefined;
  close(jobId: string): void;
}

export function createTaps(): Taps {
  const taps = new Map<string, Channel<string>>();
  return {
    open(jobId) {
      const tap = new Channel<string>({ capacity: TAP_BYTES, sizeOf: (json) => json.length });
      taps.set(jobId, tap);
      return tap;
    },
    find: (jobId) => taps.get(jobId),
    close: (jobId) => void taps.delete(jobId),
  };
}
