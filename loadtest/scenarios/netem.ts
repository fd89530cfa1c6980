import { uploadByCurl, writeBody } from '../harness/curl.ts';
import type { Lab } from '../harness/lab.ts';
import { createTally, describeStatuses, type Tally } from '../harness/outcome.ts';
import { startProbe } from '../harness/probe.ts';
import { findProgram } from '../harness/program.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, nothingLost, probeRow, promise, stayedAvailable } from '../harness/shapes.ts';
import { type FarEnd, type Line, layLine, NEAR_ADDRESS } from '../harness/slow-line.ts';
import { memoryChart, serverTable, startWatched } from '../harness/watched.ts';

/** Uplinks of real networks, delay one way. */
const LINES: readonly Line[] = [
  { name: 'GPRS', kbitPerSecond: 40, delayMs: 250, jitterMs: 100, lossPercent: 1 },
  { name: '3G', kbitPerSecond: 384, delayMs: 75, jitterMs: 30, lossPercent: 1 },
  { name: 'DSL', kbitPerSecond: 2000, delayMs: 20, jitterMs: 5, lossPercent: 0.1 },
  { name: 'satellite', kbitPerSecond: 2000, delayMs: 300, jitterMs: 20, lossPercent: 0.5 },
  { name: 'bad LTE', kbitPerSecond: 5000, delayMs: 40, jitterMs: 20, lossPercent: 3 },
];

/** True slow networks: real packets, delayed and lost, with curl at the far end. */
export const netem = defineScenario({
  name: 'netem',
  summary: 'curl over slow, long and lossy lines in network namespaces of their own',
  settings: {
    clients: { default: 3, doc: 'curls at the far end of each line' },
    seconds: { default: 30, doc: 'that an upload would take if the line lost nothing' },
  },
  async run(lab, { clients, seconds }) {
    if (!findProgram('curl')) return { tables: [], skipped: 'curl is not installed' };
    const ends: FarEnd[] = [];
    for (const [number, line] of LINES.entries()) {
      const end = await layLine(lab, line, number);
      if (typeof end === 'string') return { tables: [], skipped: end };
      ends.push(end);
    }
    // Several clients share 5 KB/s of GPRS, and TCP is not fair: one may well fall below the usual 1 KB/s for 20 s.
    const watched = await startWatched(lab, { host: NEAR_ADDRESS, flags: ['--min-upload-rate', '128'] });
    const { origin } = watched.server;
    const probe = await startProbe({ origin, kind: 'healthz', everyMs: 100 });
    const tallies = await Promise.all(ends.map((end) => sendFrom(lab, end, { origin, clients, seconds })));
    const health = await probe.stop();
    await watched.sampler.take();
    await watched.sampler.stop();
    const lost = tallies.reduce((sum, tally) => sum + tally.bytesLost, 0);
    return {
      tables: [
        latencyTable([
          ...tallies.map((tally, index) =>
            latencyRow(describeLine(ends[index]?.line), tally.kept.percentiles(), tally.statuses),
          ),
          probeRow('GET /healthz meanwhile', health),
        ]),
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `netem-memory-${lab.transport}`,
          title: `curl over ${LINES.length} slow lines on ${lab.transport}: memory`,
        }),
      ],
      notes: [`Lines by ${ends[0]?.by}.`],
      promises: [
        ...tallies.map((tally, index) =>
          promise(
            `all over ${ends[index]?.line.name} are stored`,
            tally.share('201') === 1,
            describeStatuses(tally.statuses),
          ),
        ),
        nothingLost(lost),
        stayedAvailable(health, 500),
      ],
    };
  },
});

async function sendFrom(
  lab: Lab,
  { line, inside }: FarEnd,
  { origin, clients, seconds }: { origin: string; clients: number; seconds: number },
): Promise<Tally> {
  const tally = createTally();
  const length = Math.ceil((line.kbitPerSecond * 125 * seconds) / clients);
  const folder = await lab.folder('bodies');
  const file = await writeBody(folder, line.name.replaceAll(' ', '-'), lab.bodies.body(length, line.kbitPerSecond));
  const one = async () => tally.add(await uploadByCurl({ origin, file, inside, signal: lab.signal }));
  await Promise.all(Array.from({ length: clients }, one));
  return tally;
}

function describeLine(line: Line | undefined): string {
  if (!line) return '';
  return `${line.name}: ${line.kbitPerSecond} kbit/s, ${line.delayMs} ± ${line.jitterMs} ms, ${line.lossPercent} % lost`;
}
