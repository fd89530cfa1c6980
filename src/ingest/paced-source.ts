import type { ByteSource } from './byte-source.ts';
import { type MinRate, RateClock } from './rate-clock.ts';

/** A source whose sender is held to a minimum rate; `stop` ends its clock. */
export interface PacedSource extends ByteSource {
  stop(): void;
}

/** For bodies that are read by a parser, where no reader coroutine stands at the network itself. */
export function paceSource(source: ByteSource, rate: MinRate): PacedSource {
  const tooSlow = new AbortController();
  const clock = new RateClock({ rate, onTooSlow: (error) => tooSlow.abort(error) });
  let given: AbortSignal | undefined;
  let combined = tooSlow.signal;

  /** The caller hands in the same signal each time: combined once. */
  function withClock(signal: AbortSignal | undefined): AbortSignal {
    if (signal !== given) combined = signal ? AbortSignal.any([signal, tooSlow.signal]) : tooSlow.signal;
    given = signal;
    return combined;
  }

  return {
    async next(signal) {
      clock.waiting();
      const chunk = await source.next(withClock(signal));
      clock.arrived(chunk?.byteLength ?? 0);
      if (!chunk) clock.stop();
      return chunk;
    },
    stop: () => clock.stop(),
  };
}
