import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from './errors.ts';

const LOOP_RESOLUTION_MS = 10;
const REQUEST_BUCKETS_S = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 20, 60, 300];

/** Read when the metrics are asked for. */
export interface Gauges {
  readonly activeUploads: () => number;
  readonly channelBytes: () => number;
  readonly busyWorkers: () => number;
  readonly workerRestarts: () => number;
  readonly queued: () => readonly { readonly task: string; readonly waiting: number; readonly running: number }[];
}

/** Prometheus metrics of one process, in a registry of its own. Labels come from closed lists only. */
export interface Metrics {
  finishRequest(request: { method: string; status: number; code: ErrorCode | undefined; seconds: number }): void;
  storedUpload(bytes: number): void;
  settledJob(job: { task: string; status: string; seconds: number }): void;
  observe(gauges: Gauges): void;
  /** Text exposition format 0.0.4. */
  text(): Promise<string>;
  close(): void;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();

  const requests = new Histogram({
    name: 'penstock_http_request_seconds',
    help: 'Requests by method, status and error code',
    labelNames: ['method', 'status', 'code'],
    buckets: REQUEST_BUCKETS_S,
    registers,
  });
  const uploaded = new Counter({ name: 'penstock_uploaded_bytes_total', help: 'Bytes of stored uploads', registers });
  const jobs = new Histogram({
    name: 'penstock_job_seconds',
    help: 'Jobs by task and final status, from start to end of the run',
    labelNames: ['task', 'status'],
    buckets: REQUEST_BUCKETS_S,
    registers,
  });

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({ name, help, registers, collect: set });
    function set(this: Gauge): void {
      this.set(read());
    }
  }

  gauge('penstock_eventloop_lag_seconds', '99th percentile of the event loop delay since the last look', () => {
    const seconds = loop.percentile(99) / 1e9;
    loop.reset();
    return Math.max(0, seconds - LOOP_RESOLUTION_MS / 1000);
  });
  gauge('penstock_resident_memory_bytes', 'Resident memory of the HTTP process', () => process.memoryUsage.rss());

  function observe(gauges: Gauges): void {
    gauge('penstock_uploads_active', 'Uploads at once', gauges.activeUploads);
    gauge('penstock_channel_bytes', 'Bytes in the channels of all uploads', gauges.channelBytes);
    gauge('penstock_workers_busy', 'Workers at work', gauges.busyWorkers);
    gauge('penstock_worker_restarts', 'Hosts that died and were replaced', gauges.workerRestarts);
    const byTask = new Gauge({
      name: 'penstock_jobs',
      help: 'Live jobs',
      labelNames: ['task', 'state'],
      registers,
      collect,
    });
    function collect(): void {
      for (const { task, waiting, running } of gauges.queued()) {
        byTask.set({ task, state: 'waiting' }, waiting);
        byTask.set({ task, state: 'running' }, running);
      }
    }
  }

  return {
    finishRequest: ({ method, status, code, seconds }) =>
      requests.observe({ method, status, code: code ?? '' }, seconds),
    storedUpload: (bytes) => uploaded.inc(bytes),
    settledJob: ({ task, status, seconds }) => jobs.observe({ task, status }, seconds),
    observe,
    text: () => registry.metrics(),
    close: () => void loop.disable(),
  };
}
