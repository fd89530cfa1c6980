import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBody } from '../harness/curl.ts';
import type { Lab } from '../harness/lab.ts';
import { defineScenario } from '../harness/scenario.ts';
import { promise } from '../harness/shapes.ts';
import { mebibytes, round, type Table } from '../harness/table.ts';
import { type Figures, type Load, measure, measureProgram } from './measure.ts';
import type { Peer, Running } from './peer.ts';
import { DISCARD, PEERS } from './peers.ts';
import { createMemoryWarmer } from './warm-memory.ts';

const MIB = 2 ** 20;

/** One line of the comparison: how to measure it once, and what its 2xx is worth. */
interface Entrant {
  readonly name: string;
  readonly isDurable: boolean;
  readonly hasDigest: boolean;
  measure(load: Load, warmMemory: () => void): Promise<Figures>;
}

/** Uploads into this server and into its peers, interleaved, on one disk. */
export const ingest = defineScenario({
  name: 'ingest',
  summary: 'uploads of 1 MiB, 64 MiB and 1 GiB: this server, nginx, tus, plain node, FastAPI and the floor',
  settings: {
    rounds: { default: 3, doc: 'of all peers one after the other; the table shows medians' },
    small: { default: 1000, doc: 'uploads of 1 MiB, 16 at once' },
    big: { default: 1024, doc: 'MiB of the one big upload' },
    many: { default: 64, doc: 'uploads of 64 MiB, all at once' },
  },
  async run(lab, { rounds, small, big, many }) {
    const loads: readonly Load[] = [
      { name: `1 x ${big} MiB`, uploads: 1, bytes: big * MIB, concurrency: 1 },
      { name: `${small} x 1 MiB, 16 at once`, uploads: small, bytes: MIB, concurrency: 16 },
      { name: `${many} x 64 MiB at once`, uploads: many, bytes: 64 * MIB, concurrency: many },
    ];
    const notes: string[] = [];
    const entrants = [...(await enter(lab, notes)), ...(await floor(lab))];
    const tables: Table[] = [];
    const medians: ReadonlyMap<string, Figures>[] = [];
    for (const load of loads.filter(({ uploads }) => uploads > 0)) {
      const figures = await compare(lab, { entrants, load, rounds });
      tables.push(compareTable(load, entrants, figures));
      medians.push(figures);
    }
    return { tables, notes: [...notes, EXPLANATION], promises: promisesOf(medians[0]) };
  },
});

const EXPLANATION = [
  'MB is 10^6 bytes. "On disk" counts until syncfs has returned, so that who answers early is not ahead;',
  'durable: the answer itself comes after fdatasync, rename and directory fsync. CPU is user and system time of the',
  "peer's processes. Peak RSS is VmHWM, for Penstock of the HTTP process. The ratio is to nginx dav put.",
].join('\n');

/** Starts every peer that can be started here. */
async function enter(lab: Lab, notes: string[]): Promise<readonly Entrant[]> {
  const entrants: Entrant[] = [];
  for (const peer of [...PEERS, DISCARD].filter(({ name }) => isWanted(lab, name))) {
    const running = await peer.start(lab);
    if (typeof running === 'string') notes.push(`${peer.name}: not measured, ${running}.`);
    else entrants.push(entrantOf(lab, peer, running));
  }
  return entrants;
}

function entrantOf(lab: Lab, peer: Peer, running: Running): Entrant {
  const { name, isDurable, hasDigest } = peer;
  const shown = peer === DISCARD ? 'sender into nothing (ceiling)' : name;
  return {
    name: shown,
    isDurable,
    hasDigest,
    measure: (load, warmMemory) => measure(lab, running, { load, warmMemory }),
  };
}

function isWanted({ only }: Lab, name: string): boolean {
  return only.length === 0 || only.some((start) => name.startsWith(start));
}

/** What the disk and the kernel allow without any network. */
async function floor(lab: Lab): Promise<readonly Entrant[]> {
  const folder = await lab.folder('floor');
  const target = join(folder, 'target');
  const cp = async (load: Load, warmMemory: () => void) => {
    const source = await lab.folder('floor/source');
    const body = lab.bodies.body(load.bytes);
    const names = Array.from({ length: load.uploads }, (_, index) => String(index));
    for (const name of names) await writeBody(source, name, body);
    const totalBytes = load.bytes * load.uploads;
    const figures = await measureProgram(lab, {
      command: 'cp',
      args: ['-r', source, target],
      folder,
      totalBytes,
      warmMemory,
    });
    for (const path of [source, target]) await rm(path, { recursive: true });
    return figures;
  };
  const dd = async (load: Load, warmMemory: () => void) => {
    const count = Math.ceil((load.bytes * load.uploads) / MIB);
    const args = ['if=/dev/zero', `of=${target}`, 'bs=1M', `count=${count}`, 'conv=fdatasync'];
    const figures = await measureProgram(lab, { command: 'dd', args, folder, totalBytes: count * MIB, warmMemory });
    await rm(target);
    return figures;
  };
  const floors: readonly Entrant[] = [
    { name: 'floor: cp -r', isDurable: false, hasDigest: false, measure: cp },
    { name: 'floor: dd conv=fdatasync', isDurable: true, hasDigest: false, measure: dd },
  ];
  return floors.filter(({ name }) => isWanted(lab, name));
}

/** Medians by name. Rounds are interleaved, so that a slow moment of the machine meets all alike. */
async function compare(
  lab: Lab,
  { entrants, load, rounds }: { entrants: readonly Entrant[]; load: Load; rounds: number },
): Promise<ReadonlyMap<string, Figures>> {
  const warmMemory = await createMemoryWarmer(lab);
  const all = new Map<string, Figures[]>(entrants.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const entrant of entrants) {
      lab.signal.throwIfAborted();
      const figures = await entrant.measure(load, warmMemory);
      all.get(entrant.name)?.push(figures);
      lab.say(`${load.name}, round ${round}: ${entrant.name} ${Math.round(figures.mbPerSecond)} MB/s`);
    }
  }
  return new Map([...all].map(([name, figures]) => [name, medianOf(figures)]));
}

function medianOf(all: readonly Figures[]): Figures {
  const median = (of: (figures: Figures) => number) => {
    const sorted = all.map(of).sort((left, right) => left - right);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return {
    mbPerSecond: median((figures) => figures.mbPerSecond),
    mbPerSecondOnDisk: median((figures) => figures.mbPerSecondOnDisk),
    cpuSecondsPerGb: median((figures) => figures.cpuSecondsPerGb),
    peakBytes: median((figures) => figures.peakBytes),
    senderCpuPerGb: median((figures) => figures.senderCpuPerGb),
  };
}

function compareTable(load: Load, entrants: readonly Entrant[], medians: ReadonlyMap<string, Figures>): Table {
  const nginx = medians.get('nginx dav put');
  const ratio = (value: number, to: number | undefined) => (to === undefined ? '-' : `${(value / to).toFixed(2)} ×`);
  const rows = entrants.map(({ name, isDurable, hasDigest }) => {
    const figures = medians.get(name) ?? medianOf([]);
    return [
      name,
      isDurable ? 'yes' : 'no',
      hasDigest ? 'sha256' : 'no',
      round(figures.mbPerSecond),
      ratio(figures.mbPerSecond, nginx?.mbPerSecond),
      round(figures.mbPerSecondOnDisk),
      ratio(figures.mbPerSecondOnDisk, nginx?.mbPerSecondOnDisk),
      round(figures.cpuSecondsPerGb),
      mebibytes(figures.peakBytes),
      round(figures.senderCpuPerGb),
    ];
  });
  const head = ['', 'durable', 'digest', 'MB/s', 'ratio', 'MB/s on disk', 'ratio on disk', 'CPU s/GB', 'peak RSS, MiB'];
  return { title: load.name, head: [...head, "sender's CPU s/GB"], rows };
}

/** Held on the one big file, where the disk and the copies decide. */
function promisesOf(medians: ReadonlyMap<string, Figures> | undefined) {
  const [ours, nginx, plain] = ['penstock uws', 'nginx dav put', 'plain node pipe'].map((name) => medians?.get(name));
  if (!ours || !nginx || !plain) return [];
  return [
    promise(
      'at least as fast as nginx, both counted until the bytes are on disk',
      ours.mbPerSecondOnDisk >= nginx.mbPerSecondOnDisk,
      `${round(ours.mbPerSecondOnDisk)} MB/s, nginx ${round(nginx.mbPerSecondOnDisk)} MB/s`,
    ),
    promise(
      'no more CPU per GB than the plain node pipe',
      ours.cpuSecondsPerGb <= plain.cpuSecondsPerGb,
      `${round(ours.cpuSecondsPerGb)} s, plain pipe ${round(plain.cpuSecondsPerGb)} s`,
    ),
  ];
}
