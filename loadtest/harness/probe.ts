import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createLatency, type Percentiles } from './latency.ts';

/** A well-behaved client in a thread of its own, so that what the others cost this process does not count as latency. */
export interface ProbeOptions {
  readonly origin: string;
  /** `GET /healthz`, or `POST /file` of `bytes` checked by its digest. */
  readonly kind: 'healthz' | 'upload';
  readonly bytes?: number;
  /** A call starts this often, whether the last one has ended or not; latency counts from when it should have started. */
  readonly everyMs: number;
}

/** One call: seconds since the probe started, milliseconds it took, the status or what went wrong. */
export interface ProbeSample {
  readonly t: number;
  readonly ms: number;
  readonly status: string;
  readonly bytesLost: number;
}

/** A thread that has just started compiles its code, and beside a busy crowd that takes it a second or two: its own time, not the server's. */
const WARM_UP_S = 3;

/** All calls of a probe; the percentiles are of those that got a 2xx, without the first three seconds'. */
export interface ProbeResult {
  readonly samples: readonly ProbeSample[];
  readonly latency: Percentiles;
  /** Calls that did not get a 2xx, by what they got. */
  readonly failures: ReadonlyMap<string, number>;
  readonly bytesLost: number;
}

/** A probe at work. */
export interface Probe {
  /** Waits for the calls under way. */
  stop(): Promise<ProbeResult>;
}

/** Starts the thread; the first call comes one interval later. */
export async function startProbe(options: ProbeOptions): Promise<Probe> {
  const thread = new Worker(new URL('./probe-thread.ts', import.meta.url), { workerData: options });
  await once(thread, 'online');
  return {
    async stop() {
      const answer = once(thread, 'message');
      thread.postMessage('stop');
      const [samples]: (readonly ProbeSample[])[] = await answer;
      await thread.terminate();
      return summarize(samples ?? []);
    },
  };
}

function summarize(samples: readonly ProbeSample[]): ProbeResult {
  const latency = createLatency();
  const failures = new Map<string, number>();
  for (const { t, ms, status } of samples) {
    if (!status.startsWith('2')) failures.set(status, (failures.get(status) ?? 0) + 1);
    else if (t >= WARM_UP_S) latency.record(ms);
  }
  const bytesLost = samples.reduce((sum, sample) => sum + sample.bytesLost, 0);
  return { samples, latency: latency.percentiles(), failures, bytesLost };
}
