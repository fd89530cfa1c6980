import { repeatUntil } from '../harness/crowd.ts';
import { usageOf } from '../harness/folder-usage.ts';
import type { Lab } from '../harness/lab.ts';
import { createTally, describeStatuses } from '../harness/outcome.ts';
import { type Ending, PROFILES } from '../harness/pace.ts';
import { startProbe } from '../harness/probe.ts';
import { countOpen } from '../harness/process-stats.ts';
import { between, pick } from '../harness/random.ts';
import { uploadRaw } from '../harness/raw-upload.ts';
import { defineScenario } from '../harness/scenario.ts';
import { settles } from '../harness/settle.ts';
import { latencyRow, latencyTable, nothingLost, probeRow, promise, stayedAvailable } from '../harness/shapes.ts';
import { memoryChart, serverTable, startWatched } from '../harness/watched.ts';

/** Room for the documents that a server keeps about each file. */
const NOTE_BYTES = 4096;

/** Clients that vanish in every way at every point; nothing of them may stay behind. */
export const abortStorm = defineScenario({
  name: 'abort-storm',
  summary: 'uploads cut at random points by FIN, reset and half-close: nothing stays behind',
  settings: {
    clients: { default: 200, doc: 'clients at once, each one upload after the other' },
    seconds: { default: 30, doc: 'of the storm' },
    whole: { default: 10, doc: 'percent of the uploads that come whole' },
  },
  async run(lab, { clients, seconds, whole }) {
    const watched = await startWatched(lab);
    const { origin, dataDir, pid } = watched.server;
    const before = await usageOf(dataDir);
    const sockets = countOpen(pid, 'socket');
    const probe = await startProbe({ origin, kind: 'healthz', everyMs: 100 });
    const tally = createTally();
    const step = async () => {
      const body = lab.bodies.body(between(lab.random, 1024, 4 * 2 ** 20), Math.floor(lab.random() * 50));
      const ending = pickEnding(lab, body.length, whole);
      const profile = lab.random() < 0.2 ? PROFILES.dsl : PROFILES.full;
      const outcome = await uploadRaw({ origin, body, ending, profile, random: lab.random, signal: lab.signal });
      tally.add(outcome);
    };
    await repeatUntil(performance.now() + seconds * 1000, { lab, workers: clients, step });
    const health = await probe.stop();

    const isClosed = await settles(() => countOpen(pid, 'socket') <= sockets + 2, 30_000);
    const most = tally.acknowledgedBytes + before.bytes + (before.files + tally.count) * NOTE_BYTES;
    const isClean = await settles(async () => (await usageOf(dataDir)).bytes <= most, 30_000);
    const after = await usageOf(dataDir);
    const last = await watched.sampler.take();
    await watched.sampler.stop();
    const errors = [...tally.statuses.keys()].filter((status) => status.startsWith('5'));
    return {
      tables: [
        latencyTable([
          latencyRow('whole uploads', tally.kept.percentiles(), tally.statuses),
          probeRow('GET /healthz meanwhile', health),
        ]),
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `abort-storm-memory-${lab.transport}`,
          title: `Abort storm of ${clients} clients on ${lab.transport}: memory`,
        }),
      ],
      promises: [
        nothingLost(tally.bytesLost),
        promise('no 5xx', errors.length === 0, describeStatuses(tally.statuses)),
        stayedAvailable(health, 500),
        promise('all sockets closed within 30 s', isClosed, `${countOpen(pid, 'socket')} open, ${sockets} before`),
        promise(
          'nothing on disk but what was acknowledged',
          isClean,
          `${after.bytes} bytes in ${after.files} files, ${tally.acknowledgedBytes} acknowledged`,
        ),
        promise('no upload counted as active', !(last.uploadsActive > 0), String(last.uploadsActive)),
      ],
    };
  },
});

function pickEnding(lab: Lab, length: number, whole: number): Ending {
  if (lab.random() * 100 < whole) return { kind: 'complete' };
  const at = Math.floor(lab.random() * length);
  const by = pick(lab.random, [
    [1, 'fin'],
    [1, 'rst'],
    [1, 'half'],
  ] as const);
  return { kind: 'cut', at, by };
}
