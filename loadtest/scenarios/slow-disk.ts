import { startCrowd } from '../harness/crowd.ts';
import { createTally, describeStatuses } from '../harness/outcome.ts';
import { PROFILES } from '../harness/pace.ts';
import { startProbe } from '../harness/probe.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, nothingLost, probeRow, promise, stayedAvailable } from '../harness/shapes.ts';
import { makeSlowDisk } from '../harness/slow-disk.ts';
import { mebibytes } from '../harness/table.ts';
import { createDispatcher, uploadByUndici } from '../harness/undici-upload.ts';
import { growthOf, memoryChart, serverTable, startWatched } from '../harness/watched.ts';

const MIB = 2 ** 20;

/** A disk far slower than the network: what waits must wait at the senders, not in memory. */
export const slowDisk = defineScenario({
  name: 'slow-disk',
  summary: '64 uploads of 256 MiB at once onto a disk that writes 5 MB/s',
  settings: {
    files: { default: 64, doc: 'uploads at once' },
    megabytes: { default: 256, doc: 'MiB of each' },
    disk: { default: 5, doc: 'MB/s that the disk writes' },
  },
  async run(lab, { files, megabytes, disk }) {
    const sizeBytes = Math.ceil(files * megabytes * 1.1 + 1024) * MIB;
    const slow = await makeSlowDisk(lab, { sizeBytes, bytesPerSecond: disk * 1e6 });
    if (typeof slow === 'string') return { tables: [], skipped: slow };
    const watched = await startWatched(lab, { dataDir: `${slow.path}/data` });
    const { origin, pid } = watched.server;
    await slow.admit(pid);
    const growth = files * 1.5 + 64;
    const tally = createTally();
    const dispatcher = createDispatcher(files);
    lab.defer(() => dispatcher.destroy());
    const probe = await startProbe({ origin, kind: 'healthz', everyMs: 500 });
    const common = { origin, profile: PROFILES.full, random: lab.random, signal: lab.signal };
    const upload = (client: number) =>
      uploadByUndici(dispatcher, { ...common, body: lab.bodies.body(megabytes * MIB, client % 8) });
    lab.say(`${files} x ${megabytes} MiB onto ${disk} MB/s (${slow.by})`);
    const start = performance.now();
    await startCrowd({ lab, clients: files, rampMs: 1, tally, upload }).done;
    const seconds = (performance.now() - start) / 1000;
    const health = await probe.stop();
    await watched.sampler.take();
    await watched.sampler.stop();
    await watched.server.stop();
    return {
      tables: [
        latencyTable([
          latencyRow(`${megabytes} MiB upload`, tally.kept.percentiles(), tally.statuses),
          probeRow('GET /healthz meanwhile', health),
        ]),
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `slow-disk-memory-${lab.transport}`,
          title: `${files} x ${megabytes} MiB onto a disk of ${disk} MB/s on ${lab.transport}: memory`,
          growth,
        }),
      ],
      notes: [
        `Slowed down by: ${slow.by}. ${mebibytes(tally.acknowledgedBytes)} MiB stored in ${Math.round(seconds)} s.`,
      ],
      promises: [
        promise('all stored', tally.share('201') === 1, describeStatuses(tally.statuses)),
        nothingLost(tally.bytesLost),
        promise(
          `RSS at most idle + ${files} x 1.5 MiB + 64 MiB`,
          growthOf(watched) <= growth * MIB,
          `idle + ${mebibytes(growthOf(watched))} MiB of ${growth}`,
        ),
        stayedAvailable(health, 500),
      ],
    };
  },
});
