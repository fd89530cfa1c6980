import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Lab } from '../harness/lab.ts';
import { createLatency, type Latency } from '../harness/latency.ts';
import { defineScenario } from '../harness/scenario.ts';
import { latencyRow, latencyTable, promise } from '../harness/shapes.ts';
import { round } from '../harness/table.ts';

/** What callers got: results, refusals, deadlines that passed, anything else. */
interface Tally {
  readonly done: Latency;
  readonly refused: Latency;
  readonly statuses: Map<string, number>;
  count(status: string): number;
}

/** More work than the workers can do, at a steady pace that does not care whether answers come. */
export const jobOverload = defineScenario({
  name: 'job-overload',
  summary: 'five times more jobs than the workers can do: no less work done, refusals at once, deadlines kept',
  settings: {
    factor: { default: 5, doc: 'times the capacity' },
    seconds: { default: 60, doc: 'of overload' },
    deadline: { default: 5, doc: 'seconds that each caller waits' },
    workers: { default: 2, doc: 'workers of the server' },
    pages: { default: 3, doc: 'pages that each job draws' },
  },
  async run(lab, { factor, seconds, deadline, workers, pages }) {
    const flags = ['--workers', String(workers), '--queue-size', '10000'];
    const { origin } = await lab.start({ flags });
    const body = await readFile(new URL('../../data/sample-17-pages.pdf', import.meta.url));
    const dispatcher = new Agent({ connections: 512, pipelining: 1 });
    lab.defer(() => dispatcher.destroy());
    let turn = 0;
    const call = async (tally: Tally) => {
      turn += 1;
      const url = `${origin}/pdf2image?pages=1-${pages}&dpi=100&deadline=${deadline}`;
      await callOnce({ dispatcher, url, body, name: String(turn) }, tally);
    };

    lab.say('one caller');
    await repeat(lab, 1, 3, createTally(), call);
    const base = createTally();
    await repeat(lab, 1, 6, base, call);
    lab.say('as many callers as keep the workers busy');
    const peak = createTally();
    await repeat(lab, workers * 3, 20, peak, call);
    const capacity = peak.count('200') / 20;
    lab.say(`${round(capacity)} jobs/s; now ${factor} times as many`);
    const over = createTally();
    await pour(lab, { perSecond: capacity * factor, seconds, tally: over, call });
    const goodput = over.count('200') / seconds;
    lab.say('one caller again');
    const recoveredMs = await untilFast(lab, call, base.done.percentiles().p50 * 1.5 + 20);

    const [done, missed] = [over.count('200'), over.count('504 deadline_exceeded')];
    const unclear = [...over.statuses.keys()].filter(
      (status) => !['200', '503 queue_full', '504 deadline_exceeded'].includes(status),
    );
    const refused = over.refused.percentiles();
    return {
      tables: [
        latencyTable([
          latencyRow('one caller', base.done.percentiles(), base.statuses),
          latencyRow('at capacity', peak.done.percentiles(), peak.statuses),
          latencyRow(`done, ${factor} x capacity`, over.done.percentiles(), over.statuses),
          latencyRow(`refused, ${factor} x capacity`, refused, new Map()),
        ]),
      ],
      notes: [`Capacity ${round(capacity)} jobs/s, ${round(capacity * factor)} asked for, ${round(goodput)} done.`],
      promises: [
        promise(
          'goodput at least 90 % of the peak',
          goodput >= capacity * 0.9,
          `${round((100 * goodput) / capacity)} %`,
        ),
        promise('refusals answered with p99 under 50 ms', refused.p99 < 50, `${round(refused.p99)} ms`),
        promise(
          'under 1 % of accepted work misses its deadline',
          missed < 0.01 * (done + missed),
          `${missed} of ${done + missed}`,
        ),
        promise('back to the base latency within 5 s', recoveredMs < 5000, `${round(recoveredMs)} ms`),
        promise('nothing else is answered', unclear.length === 0, unclear.join(', ') || 'none'),
      ],
    };
  },
});

function createTally(): Tally {
  const statuses = new Map<string, number>();
  return { done: createLatency(), refused: createLatency(), statuses, count: (status) => statuses.get(status) ?? 0 };
}

async function callOnce(
  { dispatcher, url, body, name }: { dispatcher: Agent; url: string; body: Uint8Array; name: string },
  tally: Tally,
): Promise<void> {
  const start = performance.now();
  let status: string;
  try {
    const headers = { 'cache-control': 'no-cache', 'x-request-id': name };
    const answer = await request(url, { dispatcher, method: 'POST', body, headers });
    const { code } = (await answer.body.json()) as { code?: string };
    status = code === undefined ? String(answer.statusCode) : `${answer.statusCode} ${code}`;
  } catch (error) {
    status = error instanceof Error ? error.message : String(error);
  }
  const ms = performance.now() - start;
  tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
  if (status === '200') tally.done.record(ms);
  if (status.startsWith('503')) tally.refused.record(ms);
}

async function repeat(
  lab: Lab,
  callers: number,
  seconds: number,
  tally: Tally,
  call: (tally: Tally) => Promise<void>,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const loop = async () => {
    while (performance.now() < end && !lab.signal.aborted) await call(tally);
  };
  await Promise.all(Array.from({ length: callers }, loop));
}

interface Pouring {
  readonly perSecond: number;
  readonly seconds: number;
  readonly tally: Tally;
  readonly call: (tally: Tally) => Promise<void>;
}

/** Calls start when they are due, whatever became of those before. */
async function pour(lab: Lab, { perSecond, seconds, tally, call }: Pouring): Promise<void> {
  const start = performance.now();
  const open = new Set<Promise<void>>();
  for (let started = 0; performance.now() < start + seconds * 1000 && !lab.signal.aborted; ) {
    for (const due = ((performance.now() - start) / 1000) * perSecond; started < due; started++) {
      const one = call(tally).finally(() => open.delete(one));
      open.add(one);
    }
    await sleep(5);
  }
  await Promise.all(open);
}

/** Milliseconds until a call takes no longer than it should. */
async function untilFast(lab: Lab, call: (tally: Tally) => Promise<void>, limitMs: number): Promise<number> {
  const start = performance.now();
  while (!lab.signal.aborted) {
    const tally = createTally();
    await call(tally);
    if (tally.count('200') === 1 && tally.done.percentiles().max <= limitMs) break;
    if (performance.now() - start > 30_000) break;
  }
  return performance.now() - start;
}
