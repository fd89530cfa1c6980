import { setTimeout as sleep } from 'node:timers/promises';
import { repeatUntil } from '../harness/crowd.ts';
import type { Lab } from '../harness/lab.ts';
import { createTally, describeStatuses, type Tally } from '../harness/outcome.ts';
import { PROFILES } from '../harness/pace.ts';
import { startProbe } from '../harness/probe.ts';
import { uploadRaw } from '../harness/raw-upload.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, nothingLost, promise, stayedAvailable } from '../harness/shapes.ts';
import { round } from '../harness/table.ts';
import { growthOf, memoryChart, serverTable, startWatched } from '../harness/watched.ts';

const MIB = 2 ** 20;

/** More clients than places: every one gets an answer at once, and those inside are served as before. */
export const overload = defineScenario({
  name: 'overload',
  summary: 'ten times more uploads than the server takes: clear refusals, and no less work done',
  settings: {
    places: { default: 32, doc: 'uploads that the server takes at once' },
    clients: { default: 320, doc: 'clients that each send one upload after the other' },
    kilobytes: { default: 1024, doc: 'KiB of each upload' },
    seconds: { default: 30, doc: 'of overload, after half as long at the limit' },
    growth: { default: 150, doc: 'MiB that the HTTP process may grow by' },
  },
  async run(lab, { places, clients, kilobytes, seconds, growth }) {
    const watched = await startWatched(lab, { flags: ['--max-uploads', String(places)] });
    const { origin } = watched.server;
    const bytes = kilobytes * 1024;
    lab.say(`${places} clients, as many as there are places`);
    const full = await pour(lab, { origin, bytes, workers: places, seconds: seconds / 2 });
    lab.say(`${clients} clients`);
    const probe = await startProbe({ origin, kind: 'healthz', everyMs: 100 });
    const over = await pour(lab, { origin, bytes, workers: clients, seconds });
    const health = await probe.stop();
    await watched.sampler.take();
    await watched.sampler.stop();
    const refused = over.tally.refused.percentiles();
    const unclear = over.tally.count - over.answered;
    return {
      tables: [
        latencyTable([
          latencyRow(`kept, ${places} clients`, full.tally.kept.percentiles(), full.tally.statuses),
          latencyRow(`kept, ${clients} clients`, over.tally.kept.percentiles(), over.tally.statuses),
          latencyRow(`refused, ${clients} clients`, refused, new Map()),
          latencyRow('GET /healthz meanwhile', health.latency, health.failures),
        ]),
        {
          title: 'Work done',
          head: ['clients', 'MB/s kept'],
          rows: [
            [String(places), round(full.rate)],
            [String(clients), round(over.rate)],
          ],
        },
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `overload-memory-${lab.transport}`,
          title: `${clients} clients for ${places} places on ${lab.transport}: memory`,
          growth,
        }),
      ],
      promises: [
        promise(
          'each client is answered 201, or 503 too_many_uploads with Retry-After',
          unclear === 0,
          `${unclear} of ${over.tally.count} were not: ${describeStatuses(over.tally.statuses)}`,
        ),
        nothingLost(full.tally.bytesLost + over.tally.bytesLost),
        promise('p99 of a refusal at most 1000 ms', refused.p99 <= 1000, `${round(refused.p99)} ms`),
        promise(
          'at least half of the work done at the limit',
          over.rate >= full.rate / 2,
          `${round(over.rate)} MB/s, at the limit ${round(full.rate)} MB/s`,
        ),
        stayedAvailable(health, 500),
        promise(
          `RSS at most idle + ${growth} MiB`,
          growthOf(watched) <= growth * MIB,
          `idle + ${round(growthOf(watched) / MIB)} MiB`,
        ),
      ],
    };
  },
});

interface Poured {
  readonly tally: Tally;
  /** 201, or 503 with its code and Retry-After. */
  readonly answered: number;
  /** MB/s acknowledged. */
  readonly rate: number;
}

/** Bare sockets: an HTTP client may hide the early 503 behind its own broken pipe. A refused client waits a moment. */
async function pour(
  lab: Lab,
  { origin, bytes, workers, seconds }: { origin: string; bytes: number; workers: number; seconds: number },
): Promise<Poured> {
  const tally = createTally();
  let answered = 0;
  const step = async (worker: number) => {
    const body = lab.bodies.body(bytes, worker);
    const outcome = await uploadRaw({ origin, body, profile: PROFILES.full, random: lab.random, signal: lab.signal });
    tally.add(outcome);
    const isRefusal = outcome.status === 503 && outcome.reason === 'too_many_uploads' && outcome.retryAfter;
    if (outcome.status === 201 || isRefusal) answered += 1;
    if (outcome.status !== 201) await sleep(250 + 500 * lab.random(), undefined, { signal: lab.signal });
  };
  const start = performance.now();
  await repeatUntil(start + seconds * 1000, { lab, workers, step });
  const took = (performance.now() - start) / 1000;
  return { tally, answered, rate: tally.acknowledgedBytes / 1e6 / took };
}
