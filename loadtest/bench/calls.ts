import { createLatency, type Percentiles } from '../harness/latency.ts';

/** One run of one kind of caller, as each bench program prints it. */
export interface CallsResult {
  readonly calls: number;
  readonly seconds: number;
  readonly latency: Percentiles;
  readonly failures: Readonly<Record<string, number>>;
}

export interface CallsOptions {
  /** Callers at once, each one call after the other. */
  readonly callers: number;
  readonly seconds: number;
  /** Makes one caller; its calls resolve with `ok`, or what went wrong. */
  readonly open: () => Promise<() => Promise<string>>;
}

/** Share of the time that is not counted: until everything is warm. */
const WARM_SHARE = 0.3;

/** Calls for the given time and tells how many came back and how long each took. */
export async function runCalls({ callers, seconds, open }: CallsOptions): Promise<CallsResult> {
  const calls = await Promise.all(Array.from({ length: callers }, open));
  const latency = createLatency();
  const failures: Record<string, number> = {};
  const begin = performance.now() + seconds * 1000 * WARM_SHARE;
  const end = begin + seconds * 1000;
  const loop = async (call: () => Promise<string>) => {
    for (let start = performance.now(); start < end; start = performance.now()) {
      const outcome = await call();
      const now = performance.now();
      if (start < begin || now > end) continue;
      if (outcome === 'ok') latency.record(now - start);
      else failures[outcome] = (failures[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(calls.map(loop));
  const percentiles = latency.percentiles();
  return { calls: percentiles.count, seconds, latency: percentiles, failures };
}
