import { uploadByCurl, writeBody } from '../harness/curl.ts';
import { createTally, describeStatuses } from '../harness/outcome.ts';
import { startProbe } from '../harness/probe.ts';
import { findProgram } from '../harness/program.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, nothingLost, probeRow, promise, stayedAvailable } from '../harness/shapes.ts';
import { memoryChart, serverTable, startWatched } from '../harness/watched.ts';

const LINES = [
  { rate: '2K', bytesPerSecond: 2 * 1024 },
  { rate: '50K', bytesPerSecond: 50 * 1024 },
  { rate: '10M', bytesPerSecond: 10 * 2 ** 20 },
] as const;
const MAX_FILE_BYTES = 64 * 2 ** 20;

/** The real curl, slowed down by its own --limit-rate. */
export const curl = defineScenario({
  name: 'curl',
  summary: 'curl --limit-rate 2K, 50K and 10M in parallel',
  settings: {
    clients: { default: 20, doc: 'curls at each of the three rates' },
    seconds: { default: 45, doc: 'that an upload takes at its rate; at most 64 MiB' },
  },
  async run(lab, { clients, seconds }) {
    if (!findProgram('curl')) return { tables: [], skipped: 'curl is not installed' };
    const watched = await startWatched(lab);
    const { origin } = watched.server;
    const probe = await startProbe({ origin, kind: 'healthz', everyMs: 100 });
    const folder = await lab.folder('bodies');
    const lines = await Promise.all(
      LINES.map(async ({ rate, bytesPerSecond }, variant) => {
        const body = lab.bodies.body(Math.min(bytesPerSecond * seconds, MAX_FILE_BYTES), variant);
        const file = await writeBody(folder, rate, body);
        const tally = createTally();
        const one = async () => tally.add(await uploadByCurl({ origin, file, limitRate: rate, signal: lab.signal }));
        await Promise.all(Array.from({ length: clients }, one));
        return { rate, tally };
      }),
    );
    const health = await probe.stop();
    await watched.sampler.take();
    await watched.sampler.stop();
    const lost = lines.reduce((sum, { tally }) => sum + tally.bytesLost, 0);
    return {
      tables: [
        latencyTable([
          ...lines.map(({ rate, tally }) =>
            latencyRow(`curl --limit-rate ${rate}`, tally.kept.percentiles(), tally.statuses),
          ),
          probeRow('GET /healthz meanwhile', health),
        ]),
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `curl-memory-${lab.transport}`,
          title: `${clients * LINES.length} curls at limited rates on ${lab.transport}: memory`,
        }),
      ],
      promises: [
        ...lines.map(({ rate, tally }) =>
          promise(`all at ${rate} are stored`, tally.share('201') === 1, describeStatuses(tally.statuses)),
        ),
        nothingLost(lost),
        stayedAvailable(health, 500),
      ],
    };
  },
});
