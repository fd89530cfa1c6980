import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { startChild } from '../harness/child.ts';
import type { Lab } from '../harness/lab.ts';
import { startProbe } from '../harness/probe.ts';
import { runProgram } from '../harness/program.ts';
import { defineScenario } from '../harness/scenario.ts';
import { promise } from '../harness/shapes.ts';
import { round, type Table } from '../harness/table.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const PEERS = fileURLToPath(new URL('../peers', import.meta.url));
const PYTHON = '/usr/bin/python3';
const HEALTHZ_EVERY_MS = 10;
const HEALTHZ_LIMIT_MS = 50;
/** The last two keep the server free; the one in brackets is the last advice of the document: keep what was computed. */
const WAYS = ['generator', 'cycle', 'cycle_sleep', 'thread', 'background', 'thread_cached'] as const;
const FREE: readonly string[] = ['thread', 'background', 'thread_cached'];

/** Whoever serves the ways. */
interface Entrant {
  readonly name: string;
  readonly origin: string;
  readonly ways: readonly string[];
  /** Resolves when nothing computes any more. */
  settled(): Promise<void>;
}

interface Batch {
  /** Until the last answer. */
  readonly seconds: number;
  /** Until nothing computes any more. */
  readonly secondsInAll: number;
  readonly failures: number;
  readonly p99: number;
  readonly max: number;
}

/** The benchmark of prior art 4, with what a call that costs nothing took meanwhile. */
export const cpuBound = defineScenario({
  name: 'cpu-bound',
  summary: 'concurrent calls of five ways to compute, and what /healthz took meanwhile, beside FastAPI',
  settings: {
    requests: { default: 20, doc: 'calls at once of each way' },
    workers: { default: 2, doc: 'workers of Penstock' },
  },
  async run(lab, { requests, workers }) {
    const rows: string[][] = [];
    const free = new Map<string, Batch>();
    const notes: string[] = [];
    for (const [name, start] of Object.entries({ penstock: startPenstock, fastapi: startFastApi })) {
      if (lab.only.length > 0 && !lab.only.some((wanted) => name.startsWith(wanted))) continue;
      const entrant = await start(lab, workers);
      if (typeof entrant === 'string') {
        notes.push(entrant);
        continue;
      }
      for (const way of entrant.ways) {
        lab.say(`${entrant.name}: ${requests} x /${way}`);
        const batch = await measure(entrant, way, requests);
        if (entrant.name === 'penstock' && FREE.includes(way)) free.set(way, batch);
        rows.push(toRow(entrant.name, way, batch));
      }
    }
    const table: Table = {
      title: `${requests} concurrent requests to each way; the sum of i*i below 10,000,000`,
      head: ['way', '', 'answered, s', 'computed, s', 'healthz p99 ms', 'max ms', 'verdict'],
      rows,
    };
    const promises = [...free].map(([way, { p99 }]) =>
      promise(`/${way} keeps /healthz under ${HEALTHZ_LIMIT_MS} ms`, p99 < HEALTHZ_LIMIT_MS, `p99 ${round(p99)} ms`),
    );
    return { tables: [table], promises, notes };
  },
});

function toRow(name: string, way: string, { seconds, secondsInAll, failures, p99, max }: Batch): string[] {
  const verdict = p99 < HEALTHZ_LIMIT_MS ? 'others are served' : 'blocks the others';
  const failed = failures > 0 ? `; ${failures} FAILED` : '';
  return [`/${way}`, name, round(seconds), round(secondsInAll), round(p99), round(max), verdict + failed];
}

async function measure(entrant: Entrant, way: string, requests: number): Promise<Batch> {
  const probe = await startProbe({ origin: entrant.origin, kind: 'healthz', everyMs: HEALTHZ_EVERY_MS });
  const startedAt = performance.now();
  const calls = Array.from({ length: requests }, () => call(`${entrant.origin}/${way}`));
  const statuses = await Promise.all(calls);
  const seconds = (performance.now() - startedAt) / 1000;
  await entrant.settled();
  const secondsInAll = (performance.now() - startedAt) / 1000;
  const { latency } = await probe.stop();
  const failures = statuses.filter((status) => status !== 200).length;
  return { seconds, secondsInAll, failures, p99: latency.p99, max: latency.max };
}

/** However long it takes: fetch gives up after five minutes. */
async function call(url: string): Promise<number> {
  const answered = Promise.withResolvers<number>();
  const sent = request(url, { agent: false }, (answer) => {
    answer.resume().once('end', () => answered.resolve(answer.statusCode ?? 0));
  });
  sent.once('error', answered.reject).end();
  return await answered.promise;
}

async function startPenstock(lab: Lab, workers: number): Promise<Entrant> {
  const { origin } = await lab.start({ flags: ['--tasks', EXAMPLES, '--workers', String(workers)] });
  // Its workers have loaded what they need, as those of a server in use have.
  await Promise.all(Array.from({ length: workers * 2 }, () => call(`${origin}/thread`)));
  const settled = async () => {
    for (;;) {
      const { jobs } = (await (await fetch(`${origin}/v1/jobs?status=running`)).json()) as { jobs: { id: string }[] };
      const queued = (await (await fetch(`${origin}/v1/jobs?status=queued`)).json()) as { jobs: { id: string }[] };
      const [next] = [...jobs, ...queued.jobs];
      if (!next) return;
      await fetch(`${origin}/v1/jobs/${next.id}?wait=10`);
    }
  };
  return { name: 'penstock', origin, ways: WAYS, settled };
}

/** A text: why it is not there. */
async function startFastApi(lab: Lab): Promise<Entrant | string> {
  const probe = await runProgram(PYTHON, ['-c', 'import fastapi, uvicorn'], lab.signal);
  if (probe.code !== 0) return 'FastAPI was not measured: python3-fastapi and python3-uvicorn are not installed.';
  const child = await startChild({
    command: PYTHON,
    args: ['-m', 'uvicorn', 'cpu_bound:app', '--port', '0', '--no-access-log'],
    cwd: PEERS,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    ready: /(http:\/\/[\d.]+:\d+)/,
  });
  lab.defer(async () => void (await child.stop()));
  const [, origin = ''] = child.matched;
  // Its background tasks run in its threads; while they do, a call that computes nothing waits for the interpreter's lock.
  const settled = async () => {
    for (let quick = 0; quick < 5; ) {
      const startedAt = performance.now();
      await call(`${origin}/healthz`);
      quick = performance.now() - startedAt < 4 ? quick + 1 : 0;
    }
  };
  return { name: 'fastapi', origin, ways: WAYS.filter((way) => way !== 'thread_cached'), settled };
}
