import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Chart } from '../harness/chart.ts';
import type { Lab } from '../harness/lab.ts';
import { readEndedChildren, readProcess } from '../harness/process-stats.ts';
import type { Promised } from '../harness/report.ts';
import { defineScenario } from '../harness/scenario.ts';
import { promise } from '../harness/shapes.ts';
import { mebibytes, round, type Table } from '../harness/table.ts';
import { chartOf } from './raster-charts.ts';
import {
  listEntrants,
  MUPDF,
  OURS,
  OURS_SMALL,
  POPPLER,
  type RasterEntrant,
  type RasterOrder,
} from './raster-entrants.ts';
import { measureService } from './raster-service.ts';

const DATA = fileURLToPath(new URL('../../data/', import.meta.url));
const DOCUMENTS = ['text', '17-pages', 'illustrated', 'mrc-scan', 'jbig2-scan', 'vector'].map(
  (name) => `${DATA}sample-${name}.pdf`,
);
/** mutool's best cases: being level with it is the aim there. */
const HARD = /scan|vector/;
const ALL_DPI = [72, 150, 200, 300];
const LOOK_MS = 5;

interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly fileBytes: number;
}

/** Documents to PNG files by each engine and its peers, each a cold process, interleaved; then through the service. */
export const raster = defineScenario({
  name: 'raster',
  summary: '[FILE ...]: documents to PNG by each engine, pdftoppm and mutool, then through the service',
  settings: {
    rounds: { default: 3, doc: 'of all entrants one after the other; the tables show medians' },
    dpi: { default: 0, doc: 'one resolution; 0: 72, 150, 200 and 300' },
    service: { default: 1, doc: '0: leave the service out' },
  },
  async run(lab, { rounds, dpi, service }) {
    const files = lab.operands.length > 0 ? lab.operands : DOCUMENTS;
    const entrants = listEntrants().filter(({ name }) => isWanted(lab, name));
    // Not measured: it fills the cache of compiled TypeScript, as the peers were compiled long ago.
    await compare(lab, { entrants, path: `${DATA}sample-1-page.pdf`, dpi: 36, rounds: 1 });
    const tables: Table[] = [];
    const promises: Promised[] = [];
    const charts: Chart[] = [];
    const serviceDpi = dpi > 0 ? dpi : 200;
    const cold = new Map<string, number>();
    for (const path of files) {
      const file = basename(path);
      const byDpi = new Map<number, ReadonlyMap<string, Figures>>();
      for (const each of dpi > 0 ? [dpi] : ALL_DPI) {
        const medians = await compare(lab, { entrants, path, dpi: each, rounds });
        byDpi.set(each, medians);
        tables.push(tableOf(`${file} at ${each} dpi`, medians));
      }
      cold.set(path, byDpi.get(serviceDpi)?.get(MUPDF)?.seconds ?? Number.NaN);
      promises.push(...promisesOf(file, byDpi.get(200) ?? new Map()));
      if (byDpi.size > 1) charts.push(chartOf(file, byDpi, POPPLER));
    }
    if (service > 0) {
      const { table, kept } = await measureService(lab, { files, dpi: serviceDpi, rounds, cold });
      tables.push(table);
      promises.push(...kept);
    }
    return { tables, charts, promises, notes: [EXPLANATION] };
  },
});

const EXPLANATION =
  'Wall time from the start of a process to its end, files written. The peers write RGB always, the engines here gray where a page is gray. Peak RSS is VmHWM as last seen, every 5 ms.';

function isWanted({ only }: Lab, name: string): boolean {
  return only.length === 0 || only.some((start) => name.startsWith(start));
}

interface Comparison {
  readonly entrants: readonly RasterEntrant[];
  readonly path: string;
  readonly dpi: number;
  readonly rounds: number;
}

async function compare(lab: Lab, { entrants, path, dpi, rounds }: Comparison): Promise<ReadonlyMap<string, Figures>> {
  const all = new Map<string, Figures[]>(entrants.map(({ name }) => [name, []]));
  // The first read of the file is nobody's.
  await readFile(path);
  for (let index = 0; index < rounds; index++) {
    for (const entrant of entrants) {
      lab.signal.throwIfAborted();
      const into = await lab.folder('pages');
      const figures = await measure(lab, entrant, { path, dpi, into });
      await rm(into, { recursive: true });
      all.get(entrant.name)?.push(figures);
    }
    lab.say(`${basename(path)}, ${dpi} dpi, round ${index + 1}`);
  }
  return new Map([...all].map(([name, figures]) => [name, medianOf(figures)]));
}

async function measure(lab: Lab, entrant: RasterEntrant, order: RasterOrder): Promise<Figures> {
  await mkdir(order.into, { recursive: true });
  const cpuBefore = readEndedChildren();
  const env = { ...process.env, NODE_COMPILE_CACHE: await lab.folder('compiled') };
  const start = performance.now();
  const child = spawn(entrant.command, [...entrant.arguments(order)], { stdio: 'ignore', signal: lab.signal, env });
  const peak = watchPeak(child);
  const [code] = await once(child, 'exit');
  const seconds = (performance.now() - start) / 1000;
  const peakBytes = peak();
  if (code !== 0) throw new Error(`${entrant.name} ended with ${code} on ${order.path}`);
  const names = await readdir(order.into);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(order.into, name))).size));
  const fileBytes = sizes.reduce((sum, size) => sum + size, 0);
  return { seconds, cpuSeconds: readEndedChildren() - cpuBefore, peakBytes, fileBytes };
}

function watchPeak(child: ChildProcess): () => number {
  let peakBytes = 0;
  const look = () => {
    if (child.pid !== undefined) peakBytes = Math.max(peakBytes, readProcess(child.pid)?.peakBytes ?? 0);
  };
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    return peakBytes;
  };
}

function medianOf(all: readonly Figures[]): Figures {
  const median = (of: (figures: Figures) => number) => {
    const sorted = all.map(of).sort((left, right) => left - right);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return {
    seconds: median((figures) => figures.seconds),
    cpuSeconds: median((figures) => figures.cpuSeconds),
    peakBytes: median((figures) => figures.peakBytes),
    fileBytes: median((figures) => figures.fileBytes),
  };
}

function tableOf(title: string, medians: ReadonlyMap<string, Figures>): Table {
  const poppler = medians.get(POPPLER);
  const times = (of: number | undefined, value: number) => (of === undefined ? '-' : `${(of / value).toFixed(2)} ×`);
  const rows = [...medians].map(([name, { seconds, cpuSeconds, peakBytes, fileBytes }]) => [
    name,
    round(seconds),
    times(poppler?.seconds, seconds),
    times(medians.get(MUPDF)?.seconds, seconds),
    round(cpuSeconds),
    mebibytes(peakBytes),
    round(fileBytes / 1e6),
    poppler === undefined ? '-' : `${(fileBytes / poppler.fileBytes).toFixed(2)} ×`,
  ]);
  const head = ['', 'seconds', 'pdftoppm ÷', 'mutool ÷', 'CPU s', 'peak RSS, MiB', 'MB', 'bytes ÷ pdftoppm'];
  return { title, head, rows };
}

function promisesOf(file: string, medians: ReadonlyMap<string, Figures>) {
  const [ours, poppler, mupdf] = [OURS, POPPLER, MUPDF].map((name) => medians.get(name));
  const small = medians.get(OURS_SMALL);
  if (!ours || !poppler || !mupdf || !small) return [];
  const isHard = HARD.test(file);
  const ratio = (value: number) => `${value.toFixed(2)} ×`;
  const [toPoppler, toMupdf] = [poppler.seconds / ours.seconds, mupdf.seconds / ours.seconds];
  const [fast, slow] = [ours.fileBytes / poppler.fileBytes, small.fileBytes / poppler.fileBytes];
  return [
    ...(isHard ? [] : [promise(`${file}: 12 x pdftoppm`, toPoppler >= 12, ratio(toPoppler))]),
    promise(`${file}: ${isHard ? '1.0' : '1.3'} x mutool`, toMupdf >= (isHard ? 1 : 1.3), ratio(toMupdf)),
    promise(
      `${file}: bytes at most 1.5 x pdftoppm, small 1.15 x`,
      fast <= 1.5 && slow <= 1.15,
      `${ratio(fast)}, ${ratio(slow)}`,
    ),
  ];
}
