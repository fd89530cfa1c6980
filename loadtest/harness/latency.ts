import { createHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Collects durations in milliseconds, however many, in constant memory. */
export interface Latency {
  record(ms: number): void;
  percentiles(): Percentiles;
}

/** HDR histogram with three digits; a percentile is the value at or below which that share of the samples lies. */
export function createLatency(): Latency {
  const histogram = createHistogram();
  const at = (percentile: number) => (histogram.count === 0 ? 0 : histogram.percentile(percentile) / 1000);
  return {
    record: (ms) => histogram.record(Math.max(1, Math.round(ms * 1000))),
    percentiles: () => ({
      count: histogram.count,
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: histogram.count === 0 ? 0 : histogram.max / 1000,
    }),
  };
}
