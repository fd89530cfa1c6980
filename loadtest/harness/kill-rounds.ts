import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runMixedJobs } from './mixed-jobs.ts';
import { notesOf } from './notes.ts';
import { createPromises, type Promises } from './promises.ts';
import type { Random } from './random.ts';

/** A server that can be killed; its data folder outlives it. */
export interface Mortal {
  readonly origin: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface KillRoundsOptions {
  /** Starts it on the data folder; resolves when it has told its address. */
  readonly start: () => Promise<Mortal>;
  readonly dataDir: string;
  readonly rounds: number;
  /** No other round begins after this moment (performance.now). Default: never. */
  readonly endMs?: number;
  readonly random: Random;
  readonly documents: { readonly small: Uint8Array; readonly large: Uint8Array };
  readonly signal: AbortSignal;
  readonly onRound?: (round: number, promises: Promises) => void;
}

export interface KillRounds {
  readonly rounds: number;
  readonly promises: Promises;
  /** From the start of each process to `/readyz` 200. */
  readonly readyMs: readonly number[];
  /** From there until all that was accepted before has ended. */
  readonly settledMs: readonly number[];
  /** Jobs that had not ended 10 s after a restart. */
  readonly stuck: readonly string[];
  /** Paths in the data folder that belong to nothing. */
  readonly orphans: readonly string[];
}

const LONGEST_LOAD_MS = 1200;
const SETTLE_LIMIT_MS = 10_000;
/** Rounds in which the process that recovers is killed, too. */
const SECOND_KILL_SHARE = 0.15;

/** Load, kill -9 at a random moment, restart, and look whether every promise is kept; so many times on one data folder. */
export async function runKillRounds(options: KillRoundsOptions): Promise<KillRounds> {
  const { random, signal, endMs = Number.POSITIVE_INFINITY } = options;
  const promises = createPromises();
  const [readyMs, settledMs]: [number[], number[]] = [[], []];
  const stuck: string[] = [];
  const orphans = new Set<string>();
  const startReady = async (): Promise<Mortal> => {
    const from = performance.now();
    const server = await options.start();
    while ((await fetch(`${server.origin}/readyz`)).status !== 200) await sleep(5, undefined, { signal });
    readyMs.push(performance.now() - from);
    return server;
  };

  let server = await startReady();
  let round = 0;
  while (round < options.rounds && performance.now() < endMs && !signal.aborted) {
    round += 1;
    const load = new AbortController();
    const running = runMixedJobs({ ...options, origin: server.origin, promises, signal: load.signal });
    await sleep(30 + random() * LONGEST_LOAD_MS, undefined, { signal });
    await server.kill();
    load.abort(new Error('the server was killed'));
    await running;
    if (random() < SECOND_KILL_SHARE) {
      server = await options.start();
      await sleep(random() * 300);
      await server.kill();
    }
    server = await startReady();
    const ready = performance.now();
    stuck.push(...(await settleAll(server.origin, promises)));
    settledMs.push(performance.now() - ready);
    for (const path of await untilClean(options.dataDir)) orphans.add(path);
    options.onRound?.(round, promises);
  }
  await verify(server.origin, promises, promises.all());
  await server.kill();
  return { rounds: round, promises, readyMs, settledMs, stuck, orphans: [...orphans] };
}

/** Jobs that have not ended in time. */
async function settleAll(origin: string, promises: Promises): Promise<readonly string[]> {
  const end = performance.now() + SETTLE_LIMIT_MS;
  while (promises.open().length > 0 && performance.now() < end) await verify(origin, promises, promises.open(), 1);
  // What had been told before must be told again.
  await verify(origin, promises, promises.all().slice(-50));
  return promises.open();
}

async function verify(origin: string, promises: Promises, ids: readonly string[], waitS = 0): Promise<void> {
  for (const id of ids) {
    const answer = await fetch(`${origin}/v1/jobs/${id}?wait=${waitS}`);
    const job = (await answer.json()) as { status: string; result?: { pages: { url: string; bytes: number }[] } };
    if (answer.status !== 200) promises.missing(id);
    else if (job.status !== 'queued' && job.status !== 'running') promises.told(id, job.status);
    const page = job.result?.pages.at(-1);
    if (page && (await (await fetch(page.url)).bytes()).byteLength !== page.bytes) promises.missing(id);
  }
}

/** What is left over once nothing is at work; records and markers may be a moment behind the answers. */
async function untilClean(dataDir: string): Promise<readonly string[]> {
  const end = performance.now() + 3000;
  for (;;) {
    const left = await leftOver(dataDir);
    if (left.length === 0 || performance.now() > end) return left;
    await sleep(50);
  }
}

/** Work in progress, markers of jobs, and outputs without a job. */
async function leftOver(dataDir: string): Promise<readonly string[]> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dataDir, join(entry.parentPath, entry.name)));
  const jobs = new Set(paths.flatMap((path) => /^blobs\/jobs\/(\w+)/.exec(path)?.[1] ?? []));
  const stray = paths.filter((path) => {
    const [, owner] = /^blobs\/results\/(\w+)/.exec(path) ?? [];
    return /^(work|tmp|shared)\//.test(path) || (owner !== undefined && !jobs.has(owner));
  });
  return [...notesOf(dataDir), ...stray];
}
