import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from './body.ts';
import type { Random } from './random.ts';

/** How a client's line behaves, seen from its socket. */
export interface Profile {
  readonly name: string;
  readonly bytesPerSecond: number;
  /** Each step's rate varies by up to this share, both ways. */
  readonly jitter?: number;
  /** A silence of up to `maxMs` before one step in `every`. */
  readonly gaps?: { readonly every: number; readonly maxMs: number };
}

/** The lines that the scenarios use, from the slowest to no limit at all. */
export const PROFILES = {
  slow: { name: '2 KB/s', bytesPerSecond: 2048 },
  curl50k: { name: '50 KB/s', bytesPerSecond: 50 * 1024 },
  mobile3g: { name: '3G', bytesPerSecond: 48_000, jitter: 0.7, gaps: { every: 8, maxMs: 800 } },
  dsl: { name: 'DSL', bytesPerSecond: 256 * 1024, jitter: 0.1 },
  full: { name: 'full speed', bytesPerSecond: Number.POSITIVE_INFINITY },
} as const satisfies Record<string, Profile>;

/** Where a body ends other than at its end. `at` is in bytes. */
export type Ending =
  | { readonly kind: 'complete' }
  /** Stays connected and sends nothing more, until the signal aborts. */
  | { readonly kind: 'stall'; readonly at: number }
  /** The connection goes: orderly, by reset, or half-closed while it still listens. */
  | { readonly kind: 'cut'; readonly at: number; readonly by: 'fin' | 'rst' | 'half' };

/** One body on one line; the signal ends it wherever it is. */
export interface PaceOptions {
  readonly body: Body;
  readonly profile: Profile;
  readonly ending: Ending;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Token bucket, empty at first: `take` resolves when `bytes` have gone at the given rate, with at most `burstBytes` saved up. */
export function createBucket(bytesPerSecond: number, burstBytes: number) {
  let free = performance.now();
  return {
    async take(bytes: number, signal: AbortSignal): Promise<void> {
      signal.throwIfAborted();
      const now = performance.now();
      const msPerByte = 1000 / bytesPerSecond;
      free = Math.max(free, now - burstBytes * msPerByte) + bytes * msPerByte;
      // Whole steps of 5 ms: thousands of clients then share few of Node's timer lists.
      const waitMs = Math.ceil((free - now) / 5) * 5;
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    },
  };
}

/**
 * The body in slices as fast as the profile lets them go. Ends early where the ending says so: after a stall by the
 * signal's reason, after a cut by simply stopping, and the caller cuts.
 */
export async function* pacedSlices(options: PaceOptions): AsyncGenerator<Buffer, void> {
  const { body, profile, ending, random, signal } = options;
  const end = ending.kind === 'complete' ? body.length : Math.min(ending.at, body.length);
  const step = Math.min(Math.max(Math.round(profile.bytesPerSecond / 2), 256), 64 * 1024);
  const bucket = createBucket(profile.bytesPerSecond, step);
  for (let at = 0; at < end; ) {
    const slice = body.slice(at, Math.min(step, end - at));
    await pause(profile, random, signal);
    const jitter = 1 + (profile.jitter ?? 0) * (2 * random() - 1);
    await bucket.take(slice.length * jitter, signal);
    yield slice;
    at += slice.length;
  }
  if (ending.kind === 'stall') await sleep(STALL_LIMIT_MS, undefined, { signal });
}

/** No stall outlives this, whatever the server does. */
const STALL_LIMIT_MS = 600_000;

async function pause(profile: Profile, random: Random, signal: AbortSignal): Promise<void> {
  const { gaps } = profile;
  if (!gaps || random() * gaps.every > 1) return;
  await sleep(Math.ceil((random() * gaps.maxMs) / 5) * 5, undefined, { signal });
}
