import { setInterval as every } from 'node:timers/promises';
import { scrapeMetrics } from './metrics.ts';
import { readProcess, readTree } from './process-stats.ts';

/** The server at one moment; what it does not tell is NaN. */
export interface Sample {
  /** Seconds since the sampler was started. */
  readonly t: number;
  /** The process that speaks HTTP. */
  readonly rssBytes: number;
  /** The same and all its children. */
  readonly treeBytes: number;
  readonly openFiles: number;
  readonly uploadsActive: number;
  readonly channelBytes: number;
  readonly lagMs: number;
}

/** A watch on one server; samples are in the order of time. */
export interface Sampler {
  readonly samples: readonly Sample[];
  /** The last sample's values now, taken outside the rhythm. */
  take(): Promise<Sample>;
  stop(): Promise<void>;
}

const MIB = 2 ** 20;

/** Watches a server from outside, once per interval, until stopped. */
export function startSampler(server: { pid: number; origin: string }, intervalMs = 1000): Sampler {
  const start = performance.now();
  const samples: Sample[] = [];
  const ended = new AbortController();
  const take = async () => {
    const sample = await takeSample(server, (performance.now() - start) / 1000);
    samples.push(sample);
    return sample;
  };
  const watch = async () => {
    for await (const _ of every(intervalMs, undefined, { signal: ended.signal })) await take();
  };
  const watching = watch().catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  return {
    samples,
    take,
    async stop() {
      ended.abort();
      await watching;
    },
  };
}

async function takeSample({ pid, origin }: { pid: number; origin: string }, t: number): Promise<Sample> {
  const metrics = await scrapeMetrics(origin);
  const stats = readProcess(pid);
  const value = (name: string) => metrics?.get(name) ?? Number.NaN;
  return {
    t,
    rssBytes: stats?.rssBytes ?? Number.NaN,
    treeBytes: stats ? readTree(pid).rssBytes : Number.NaN,
    openFiles: stats?.openFiles ?? Number.NaN,
    uploadsActive: value('penstock_uploads_active'),
    channelBytes: value('penstock_channel_bytes'),
    lagMs: value('penstock_eventloop_lag_seconds') * 1000,
  };
}

/** The largest of the numbers that there are; 0 for none. */
export function peak(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.map(of).reduce((most, value) => (Number.isFinite(value) ? Math.max(most, value) : most), 0);
}

/** Points in MiB over seconds, for a chart. */
export function inMiB(
  samples: readonly Sample[],
  of: (sample: Sample) => number,
): readonly (readonly [number, number])[] {
  return samples.filter((sample) => Number.isFinite(of(sample))).map((sample) => [sample.t, of(sample) / MIB] as const);
}
