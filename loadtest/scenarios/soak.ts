import type { Dispatcher } from 'undici';
import type { Body } from '../harness/body.ts';
import { repeatUntil } from '../harness/crowd.ts';
import type { Lab } from '../harness/lab.ts';
import { createTally, describeStatuses, type Outcome } from '../harness/outcome.ts';
import { type Ending, PROFILES, type Profile } from '../harness/pace.ts';
import { startProbe } from '../harness/probe.ts';
import { between, pick } from '../harness/random.ts';
import { uploadRaw } from '../harness/raw-upload.ts';
import { readBack, remove } from '../harness/read-back.ts';
import type { Sample } from '../harness/sampler.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, nothingLost, probeRow, promise, stayedAvailable } from '../harness/shapes.ts';
import { mebibytes, round } from '../harness/table.ts';
import { createDispatcher, uploadByUndici } from '../harness/undici-upload.ts';
import { memoryChart, serverTable, startWatched } from '../harness/watched.ts';

const MIB = 2 ** 20;
/** A stalled upload is given up by its client after this. */
const STALL_MS = 5000;

/** All kinds of clients for a long time: what leaks shows. */
export const soak = defineScenario({
  name: 'soak',
  summary: 'all kinds of clients, sizes and endings for a long time: no loss, no leak',
  settings: {
    clients: { default: 60, doc: 'clients at once, each one upload after the other' },
    seconds: { default: 600, doc: 'how long' },
    megabytes: { default: 8, doc: 'MiB of the largest upload' },
    leak: { default: 32, doc: 'MiB by which the last quarter may lie above the second' },
  },
  async run(lab, { clients, seconds, megabytes, leak }) {
    const watched = await startWatched(lab);
    const { origin } = watched.server;
    const dispatcher = createDispatcher(clients);
    lab.defer(() => dispatcher.destroy());
    const tally = createTally();
    let bytesReadWrong = 0;
    let readBacks = 0;
    // A fixed choice: each body's digest is computed once and kept.
    const bodies = Array.from({ length: 400 }, (_, variant) =>
      lab.bodies.body(between(lab.random, 64, megabytes * MIB), variant),
    );
    const step = async () => {
      const body = pick(
        lab.random,
        bodies.map((each) => [1, each] as const),
      );
      const outcome = await upload(lab, { dispatcher, origin, body });
      tally.add(outcome);
      if (outcome.status !== 201 || outcome.id === undefined) return;
      if (lab.random() < 0.1) {
        readBacks += 1;
        bytesReadWrong += await readBack(dispatcher, { origin, id: outcome.id, body });
      }
      await remove(dispatcher, origin, outcome.id);
    };
    const probe = await startProbe({ origin, kind: 'healthz', everyMs: 200 });
    await repeatUntil(performance.now() + seconds * 1000, { lab, workers: clients, step });
    const health = await probe.stop();
    await watched.sampler.take();
    await watched.sampler.stop();

    const { samples } = watched.sampler;
    const grown = (of: (sample: Sample) => number) => median(quarter(samples, 3), of) - median(quarter(samples, 1), of);
    const [rssGrown, filesGrown] = [grown((sample) => sample.rssBytes), grown((sample) => sample.openFiles)];
    const errors = [...tally.statuses.keys()].filter((status) => status.startsWith('5'));
    return {
      tables: [
        latencyTable([
          latencyRow('uploads', tally.kept.percentiles(), tally.statuses),
          probeRow('GET /healthz meanwhile', health),
        ]),
        serverTable(watched),
      ],
      charts: [
        memoryChart(watched, {
          name: `soak-memory-${lab.transport}`,
          title: `Soak of ${clients} clients on ${lab.transport}: memory`,
        }),
      ],
      notes: [`${readBacks} files were read back and compared.`],
      promises: [
        nothingLost(tally.bytesLost + bytesReadWrong),
        promise('no 5xx', errors.length === 0, describeStatuses(tally.statuses)),
        stayedAvailable(health, 500),
        promise(
          `median RSS of the last quarter at most ${leak} MiB above the second`,
          rssGrown <= leak * MIB,
          `${mebibytes(rssGrown)} MiB`,
        ),
        promise('open files do not grow', filesGrown <= clients / 4, round(filesGrown)),
      ],
    };
  },
});

interface Call {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  readonly body: Body;
}

async function upload(lab: Lab, { dispatcher, origin, body }: Call): Promise<Outcome> {
  const profile = pickProfile(lab, body.length);
  const ending = pickEnding(lab, body.length);
  const limit = ending.kind === 'stall' ? [AbortSignal.timeout(STALL_MS)] : [];
  const signal = AbortSignal.any([lab.signal, ...limit]);
  const options = { origin, body, profile, ending, random: lab.random, signal };
  // A reset and a half-close need the bare socket; undici has connections that are used again.
  const isRaw = ending.kind === 'cut' || lab.random() < 0.3;
  return isRaw ? uploadRaw(options) : uploadByUndici(dispatcher, options);
}

/** Slow lines carry small files only, so that every client ends within about half a minute. */
function pickProfile(lab: Lab, length: number): Profile {
  const profiles = [PROFILES.slow, PROFILES.curl50k, PROFILES.mobile3g, PROFILES.dsl, PROFILES.full];
  const fit = profiles.filter(({ bytesPerSecond }) => length / bytesPerSecond < 30);
  return pick(
    lab.random,
    fit.map((profile) => [1, profile] as const),
  );
}

function pickEnding(lab: Lab, length: number): Ending {
  const at = Math.floor(lab.random() * length);
  return pick<Ending>(lab.random, [
    [80, { kind: 'complete' }],
    [5, { kind: 'stall', at }],
    [5, { kind: 'cut', at, by: 'fin' }],
    [5, { kind: 'cut', at, by: 'rst' }],
    [5, { kind: 'cut', at, by: 'half' }],
  ]);
}

function quarter(samples: readonly Sample[], index: number): readonly Sample[] {
  const size = samples.length / 4;
  return samples.slice(Math.floor(index * size), Math.ceil((index + 1) * size));
}

function median(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.map(of).sort((left, right) => left - right)[Math.floor(samples.length / 2)] ?? 0;
}
