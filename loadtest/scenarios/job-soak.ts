import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { usageOf } from '../harness/folder-usage.ts';
import type { Lab } from '../harness/lab.ts';
import { describeStatuses } from '../harness/outcome.ts';
import { pick } from '../harness/random.ts';
import type { Sample } from '../harness/sampler.ts';
import { defineScenario } from '../harness/scenario.ts';
import { promise } from '../harness/shapes.ts';
import { mebibytes, round } from '../harness/table.ts';
import { memoryChart, serverTable, startWatched } from '../harness/watched.ts';

const TASKS = fileURLToPath(new URL('../peers/noop', import.meta.url));

/** Many jobs, of which many do not come to their end: what is not given back shows. */
export const jobSoak = defineScenario({
  name: 'job-soak',
  summary: 'many short jobs, a fifth cancelled or abandoned: memory, descriptors and files come back',
  settings: {
    jobs: { default: 50_000, doc: 'jobs in all' },
    callers: { default: 32, doc: 'callers at once' },
    seconds: { default: 3600, doc: 'after which no other job begins' },
  },
  async run(lab, { jobs, callers, seconds }) {
    const watched = await startWatched(lab, {
      flags: ['--workers', '2', '--tasks', TASKS, '--retention', '20', '--queue-size', '1000'],
    });
    const { server, sampler } = watched;
    const dispatcher = new Agent({ connections: callers * 2, pipelining: 1 });
    lab.defer(() => dispatcher.destroy());
    const statuses = new Map<string, number>();
    // The first jobs open what stays open: the log of markers, the thread that writes records.
    for (let count = 0; count < 20; count++) await callOnce(lab, dispatcher, server.origin);
    const opened = await sampler.take();
    const before = await usageOf(server.dataDir);
    const end = performance.now() + seconds * 1000;
    let started = 0;
    const caller = async () => {
      while (started < jobs && performance.now() < end && !lab.signal.aborted) {
        started += 1;
        if (started % 5000 === 0) lab.say(`${started} jobs`);
        const outcome = await callOnce(lab, dispatcher, server.origin);
        statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    // Records expire, connections close.
    await dispatcher.close();
    await sleep(30_000, undefined, { signal: lab.signal });
    const last = await sampler.take();
    await sampler.stop();
    const after = await usageOf(server.dataDir);

    const { samples } = sampler;
    const warm = medianRss(samples.slice(Math.floor(samples.length * 0.2), Math.floor(samples.length * 0.35)));
    const late = medianRss(samples.slice(Math.floor(samples.length * 0.75)));
    const grown = (100 * (late - warm)) / warm;
    return {
      tables: [serverTable(watched)],
      charts: [
        memoryChart(watched, {
          name: `job-soak-memory-${lab.transport}`,
          title: `${started} jobs on ${lab.transport}: memory`,
        }),
      ],
      notes: [
        `${started} jobs: ${describeStatuses(statuses)}. RSS after warm-up ${mebibytes(warm)} MiB, late ${mebibytes(late)} MiB.`,
      ],
      promises: [
        promise('RSS grows under 10 % after warm-up', grown < 10, `${round(grown)} %`),
        promise(
          'descriptors back to where they were',
          last.openFiles <= opened.openFiles + 2,
          `${last.openFiles}, before ${opened.openFiles}`,
        ),
        promise(
          'files back to where they were',
          after.files <= before.files + 5,
          `${after.files}, before ${before.files}`,
        ),
      ],
    };
  },
});

function medianRss(samples: readonly Sample[]): number {
  return samples.map(({ rssBytes }) => rssBytes).sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}

async function callOnce(lab: Lab, dispatcher: Agent, origin: string): Promise<string> {
  const kind = pick(lab.random, [
    [60, 'wait'],
    [20, 'poll'],
    [10, 'cancel'],
    [10, 'abandon'],
  ] as const);
  const ms = kind === 'wait' || kind === 'poll' ? 0 : 5 + Math.floor(lab.random() * 10);
  const url = `${origin}/nap?ms=${ms}`;
  try {
    if (kind === 'wait') return `${kind} ${await status(request(url, { dispatcher, method: 'POST' }))}`;
    if (kind === 'abandon') {
      await status(request(url, { dispatcher, method: 'POST', signal: AbortSignal.timeout(1 + lab.random() * 15) }));
      return 'abandon, too late';
    }
    const accepted = await request(url, { dispatcher, method: 'POST', headers: { prefer: 'respond-async' } });
    const { id } = (await accepted.body.json()) as { id?: string };
    const job = `${origin}/v1/jobs/${id}`;
    if (kind === 'cancel') return `${kind} ${await status(request(job, { dispatcher, method: 'DELETE' }))}`;
    return `${kind} ${await status(request(`${job}?wait=10`, { dispatcher }))}`;
  } catch (error) {
    return kind === 'abandon' ? kind : `${kind}: ${error instanceof Error ? error.message : error}`;
  }
}

async function status(answer: ReturnType<typeof request>): Promise<number> {
  const { statusCode, body } = await answer;
  await body.dump();
  return statusCode;
}
