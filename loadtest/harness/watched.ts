import { setTimeout as sleep } from 'node:timers/promises';
import type { Chart } from './chart.ts';
import type { Lab, StartOptions } from './lab.ts';
import { inMiB, peak, type Sample, type Sampler, startSampler } from './sampler.ts';
import type { Server } from './server.ts';
import { mebibytes, round, type Table } from './table.ts';

const MIB = 2 ** 20;

/** A server with a sampler on it, and how it was before anything came. */
export interface Watched {
  readonly server: Server;
  readonly sampler: Sampler;
  readonly idle: Sample;
}

/** Starts a server, lets it come to rest for 2 s, and watches it from then on. */
export async function startWatched(lab: Lab, options?: StartOptions): Promise<Watched> {
  const server = await lab.start(options);
  await sleep(2000, undefined, { signal: lab.signal });
  const sampler = startSampler(server);
  lab.defer(() => sampler.stop());
  return { server, sampler, idle: await sampler.take() };
}

/** Growth of the HTTP process over its idle size, at worst, in bytes. */
export function growthOf({ sampler, idle }: Watched): number {
  return peak(sampler.samples, (sample) => sample.rssBytes) - idle.rssBytes;
}

/** The server before, at its peak, and at the last sample. */
export function serverTable({ sampler, idle }: Watched): Table {
  const { samples } = sampler;
  const last = samples.at(-1) ?? idle;
  const row = (title: string, show: (value: number) => string, of: (sample: Sample) => number) => [
    title,
    show(of(idle)),
    show(samples.some((sample) => Number.isFinite(of(sample))) ? peak(samples, of) : Number.NaN),
    show(of(last)),
  ];
  return {
    title: 'Server',
    head: ['', 'idle', 'peak', 'after'],
    rows: [
      row('RSS of the HTTP process, MiB', mebibytes, (sample) => sample.rssBytes),
      row('RSS with its children, MiB', mebibytes, (sample) => sample.treeBytes),
      row('channel fill, MiB', mebibytes, (sample) => sample.channelBytes),
      row('uploads', round, (sample) => sample.uploadsActive),
      row('open files', round, (sample) => sample.openFiles),
      row('event loop lag, ms', round, (sample) => sample.lagMs),
    ],
  };
}

/** The name is that of the file; runs of the same name replace the picture. */
export interface MemoryChartOptions {
  readonly name: string;
  readonly title: string;
  /** MiB that the HTTP process may grow by. */
  readonly growth?: number;
}

/** RSS and channel fill over time. */
export function memoryChart({ sampler, idle }: Watched, { name, title, growth }: MemoryChartOptions): Chart {
  const { samples } = sampler;
  const channels = { label: 'bytes in channels', points: inMiB(samples, (sample) => sample.channelBytes) };
  return {
    name,
    title,
    unit: 'MiB',
    series: [
      { label: 'RSS, HTTP process', points: inMiB(samples, (sample) => sample.rssBytes) },
      ...(channels.points.length > 0 ? [channels] : []),
    ],
    ...(growth === undefined ? {} : { limit: { label: `idle + ${growth} MiB`, y: idle.rssBytes / MIB + growth } }),
  };
}
