import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../harness/lab.ts';
import { type ProbeResult, startProbe } from '../harness/probe.ts';
import { findProgram, runProgram } from '../harness/program.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyTable, probeRow, promise, stayedAvailable } from '../harness/shapes.ts';
import { memoryChart, serverTable, startWatched } from '../harness/watched.ts';

const MODES = [
  { name: 'headers', flags: ['-H', '-t', 'GET'], path: '/' },
  { name: 'body', flags: ['-B', '-t', 'POST', '-s', '8192'], path: '/file' },
] as const;

interface Seen {
  readonly name: string;
  readonly health: ProbeResult;
  readonly rows: readonly Row[];
  readonly code: number | string;
}

interface Row {
  readonly connected: number;
  readonly closed: number;
  readonly isAvailable: boolean;
}

/** The standard tool against slow headers (Slowloris) and slow bodies (R-U-Dead-Yet). */
export const slowhttp = defineScenario({
  name: 'slowhttp',
  summary: 'slowhttptest in its header and body modes: the service stays available',
  settings: {
    connections: { default: 1000, doc: 'that the tool opens' },
    rate: { default: 200, doc: 'connections per second' },
    seconds: { default: 60, doc: 'of each mode' },
  },
  async run(lab, { connections, rate, seconds }) {
    const tool = findProgram('slowhttptest');
    if (!tool) return { tables: [], skipped: 'slowhttptest is not installed (Debian package slowhttptest)' };
    const watched = await startWatched(lab);
    const { origin } = watched.server;
    const folder = await lab.folder('slowhttptest');
    const seen: Seen[] = [];
    for (const { name, flags, path } of MODES) {
      lab.say(`slowhttptest, slow ${name}`);
      const load = ['-c', connections, '-r', rate, '-l', seconds, '-i', 10, '-x', 24, '-p', 3].map(String);
      const out = ['-g', '-o', join(folder, name), '-u', `${origin}${path}`];
      const probe = await startProbe({ origin, kind: 'healthz', everyMs: 100 });
      const { code } = await runProgram(tool, [...flags, ...load, ...out], lab.signal);
      seen.push({ name, health: await probe.stop(), rows: await readRows(join(folder, `${name}.csv`)), code });
    }
    await settleDown(lab, watched.sampler);
    return {
      tables: [
        latencyTable(seen.map(({ name, health }) => probeRow(`GET /healthz beside slow ${name}`, health))),
        {
          title: 'What slowhttptest saw',
          head: ['mode', 'seconds', 'most connected', 'closed at the end', 'seconds not available'],
          rows: seen.map(({ name, rows }) => [
            name,
            String(rows.length),
            String(Math.max(0, ...rows.map(({ connected }) => connected))),
            String(rows.at(-1)?.closed ?? 0),
            String(rows.filter(({ isAvailable }) => !isAvailable).length),
          ]),
        },
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `slowhttp-memory-${lab.transport}`,
          title: `slowhttptest, ${connections} connections on ${lab.transport}: memory`,
        }),
      ],
      promises: seen.flatMap(({ name, health, rows, code }) => [
        promise(
          `slow ${name}: available in every second that slowhttptest looked`,
          rows.length > 0 && rows.every(({ isAvailable }) => isAvailable),
          `${rows.filter(({ isAvailable }) => isAvailable).length} of ${rows.length} s, exit code ${code}`,
        ),
        stayedAvailable(health, 500),
      ]),
    };
  },
});

async function settleDown(lab: Lab, sampler: { take(): Promise<unknown>; stop(): Promise<void> }): Promise<void> {
  lab.say('done');
  await sampler.take();
  await sampler.stop();
}

/** slowhttptest's statistics: `Seconds,Closed,Pending,Connected,Service Available`; the last column is 0 or more. */
async function readRows(path: string): Promise<readonly Row[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n').slice(1);
  return lines.map((line) => {
    const [, closed, , connected, available] = line.split(',').map(Number);
    return { closed: closed ?? 0, connected: connected ?? 0, isAvailable: (available ?? 0) > 0 };
  });
}
