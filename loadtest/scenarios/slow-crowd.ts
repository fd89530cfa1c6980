import { setTimeout as sleep } from 'node:timers/promises';
import { startCrowd } from '../harness/crowd.ts';
import type { Lab } from '../harness/lab.ts';
import { createTally, describeStatuses, type Tally } from '../harness/outcome.ts';
import { PROFILES } from '../harness/pace.ts';
import { type ProbeOptions, type ProbeResult, startProbe } from '../harness/probe.ts';
import type { Report } from '../harness/report.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, nothingLost, probeRow, promise } from '../harness/shapes.ts';
import { mebibytes, round } from '../harness/table.ts';
import { createDispatcher, uploadByUndici } from '../harness/undici-upload.ts';
import { growthOf, memoryChart, serverTable, startWatched, type Watched } from '../harness/watched.ts';

const MIB = 2 ** 20;

interface Seen {
  readonly alone: ProbeResult;
  readonly beside: ProbeResult;
  readonly tally: Tally;
  /** Slow uploads under way when the fast lane had been measured. */
  readonly held: number;
}

/** Thousands of slow uploads held at once, and one normal client that must not feel them. */
export const slowCrowd = defineScenario({
  name: 'slow-crowd',
  summary: 'thousands of uploads at 2 KB/s held at once, beside a fast lane of 1 MB uploads',
  settings: {
    clients: { default: 2000, doc: 'slow uploads at once' },
    rate: { default: 2048, doc: 'bytes per second of each' },
    seconds: { default: 60, doc: 'how long each slow upload takes' },
    ramp: { default: 5, doc: 'seconds over which they start' },
    every: { default: 200, doc: 'milliseconds between the uploads of the fast lane' },
    growth: { default: 120, doc: 'MiB that the HTTP process may grow by' },
  },
  async run(lab, values) {
    const watched = await startWatched(lab, { flags: ['--max-uploads', String(values.clients + 100)] });
    const fastLane = { origin: watched.server.origin, kind: 'upload', bytes: MIB, everyMs: values.every } as const;
    lab.say('fast lane, warming up and alone');
    await probeFor(lab, fastLane, 5);
    const alone = await probeFor(lab, fastLane, Math.max(10, values.seconds / 2));

    lab.say(`${values.clients} uploads at ${values.rate} B/s`);
    const { crowd, tally } = await startSlowOnes(lab, watched, values);
    await crowd.started;
    const beside = await probeFor(lab, fastLane, Math.max(5, values.seconds - values.ramp - 3));
    const held = crowd.active;
    await crowd.done;
    await watched.sampler.take();
    await watched.sampler.stop();
    return describe(lab, watched, { values, seen: { alone, beside, tally, held } });
  },
});

async function probeFor(lab: Lab, options: ProbeOptions, seconds: number): Promise<ProbeResult> {
  const probe = await startProbe(options);
  await sleep(seconds * 1000, undefined, { signal: lab.signal });
  return probe.stop();
}

type Values = Readonly<Record<'clients' | 'rate' | 'seconds' | 'ramp' | 'growth', number>>;

async function startSlowOnes(lab: Lab, { server }: Watched, { clients, rate, seconds, ramp }: Values) {
  const tally = createTally();
  const dispatcher = createDispatcher(clients);
  lab.defer(() => dispatcher.destroy());
  const common = { origin: server.origin, profile: { ...PROFILES.slow, bytesPerSecond: rate } };
  const upload = (client: number) => {
    const body = lab.bodies.body(rate * seconds, client);
    return uploadByUndici(dispatcher, { ...common, body, random: lab.random, signal: lab.signal });
  };
  return { tally, crowd: startCrowd({ lab, clients, rampMs: ramp * 1000, tally, upload }) };
}

function describe(lab: Lab, watched: Watched, { values, seen }: { values: Values; seen: Seen }): Report {
  const { clients, rate, seconds, growth } = values;
  const { alone, beside, tally, held } = seen;
  const on = `on ${lab.transport}`;
  const points = ({ samples }: ProbeResult) => samples.map(({ t, ms }) => [t, ms] as const);
  return {
    tables: [
      latencyTable([
        probeRow('1 MB upload, alone', alone),
        probeRow(`1 MB upload, beside ${clients}`, beside),
        latencyRow(`slow upload, ${seconds} s at best`, tally.kept.percentiles(), tally.statuses),
      ]),
      serverTable(watched),
    ],
    charts: [
      memoryChart(watched, {
        name: `slow-crowd-memory-${lab.transport}`,
        title: `${clients} uploads at ${rate} B/s ${on}: memory`,
        growth,
      }),
      {
        name: `slow-crowd-latency-${lab.transport}`,
        title: `1 MB upload beside ${clients} slow ones ${on}`,
        unit: 'ms',
        series: [
          { label: 'alone', points: points(alone) },
          { label: `beside ${clients}`, points: points(beside) },
        ],
        limit: { label: 'twice the p99 alone', y: alone.latency.p99 * 2 },
      },
    ],
    promises: [
      promise(`${clients} uploads held at once`, held === clients, String(held)),
      promise('none dropped', tally.share('201') === 1, describeStatuses(tally.statuses)),
      nothingLost(tally.bytesLost + alone.bytesLost + beside.bytesLost),
      promise(
        `RSS at most idle + ${growth} MiB`,
        growthOf(watched) <= growth * MIB,
        `idle + ${mebibytes(growthOf(watched))} MiB`,
      ),
      promise(
        'p99 of a 1 MB upload at most twice its value alone, none failed',
        beside.latency.p99 <= 2 * alone.latency.p99 && beside.failures.size === 0,
        `${round(beside.latency.p99)} ms, alone ${round(alone.latency.p99)} ms`,
      ),
    ],
  };
}
