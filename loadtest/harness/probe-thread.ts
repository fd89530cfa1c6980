import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { request } from 'undici';
import { createBodySource } from './body.ts';
import { PROFILES } from './pace.ts';
import type { ProbeOptions, ProbeSample } from './probe.ts';
import { causeOf, createDispatcher, uploadByUndici } from './undici-upload.ts';

/** More calls than this at once are not started but told as missed: the server has stood still for long. */
const MAX_RUNNING = 64;
const CALL_LIMIT_MS = 120_000;

const options: ProbeOptions = workerData;
const dispatcher = createDispatcher(MAX_RUNNING);
const bodies = createBodySource(7);
const samples: ProbeSample[] = [];
const running = new Set<Promise<void>>();
const ended = new AbortController();
const start = performance.now();

async function call(variant: number): Promise<{ status: string; bytesLost: number }> {
  const signal = AbortSignal.timeout(CALL_LIMIT_MS);
  if (options.kind === 'healthz') {
    const { statusCode, body } = await request(`${options.origin}/healthz`, { dispatcher, signal });
    await body.dump();
    return { status: String(statusCode), bytesLost: 0 };
  }
  const body = bodies.body(options.bytes ?? 2 ** 20, variant % 256);
  const { origin } = options;
  const outcome = await uploadByUndici(dispatcher, { origin, body, profile: PROFILES.full, random: () => 0, signal });
  const status = outcome.status === 0 ? (outcome.reason ?? 'no answer') : String(outcome.status);
  return { status, bytesLost: outcome.bytesLost };
}

async function timedCall(number: number, dueMs: number): Promise<void> {
  const result = await call(number).catch((error: unknown) => ({ status: causeOf(error), bytesLost: 0 }));
  samples.push({ t: dueMs / 1000, ms: performance.now() - start - dueMs, ...result });
}

/** Each call has its own moment on one clock: an interval would drift, and count its drift as the server's. */
async function run(): Promise<void> {
  for (let number = 1; ; number += 1) {
    const dueMs = number * options.everyMs;
    await sleep(Math.max(0, start + dueMs - performance.now()), undefined, { signal: ended.signal });
    if (running.size >= MAX_RUNNING) {
      samples.push({ t: dueMs / 1000, ms: 0, status: 'missed', bytesLost: 0 });
      continue;
    }
    const due: Promise<void> = timedCall(number, dueMs).finally(() => running.delete(due));
    running.add(due);
  }
}

parentPort?.once('message', () => ended.abort());
await run().catch((error: unknown) => {
  if (!ended.signal.aborted) throw error;
});
await Promise.all(running);
parentPort?.postMessage(samples.sort((left, right) => left.t - right.t));
await dispatcher.destroy();
