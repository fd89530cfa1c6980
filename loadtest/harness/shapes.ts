import type { Percentiles } from './latency.ts';
import { describeStatuses } from './outcome.ts';
import type { ProbeResult } from './probe.ts';
import type { Promised } from './report.ts';
import { round, type Table } from './table.ts';

/** One row of a latency table: what was called, how long it took, what it was answered. */
export function latencyRow(
  title: string,
  latency: Percentiles,
  statuses: ReadonlyMap<string, number>,
): readonly string[] {
  const { count, p50, p90, p99, p999, max } = latency;
  return [title, String(count), ...[p50, p90, p99, p999, max].map(round), describeStatuses(statuses)];
}

/** The rows under their headings; milliseconds throughout. */
export function latencyTable(rows: readonly (readonly string[])[]): Table {
  return { title: 'Latency, ms', head: ['', 'count', 'p50', 'p90', 'p99', 'p99.9', 'max', 'answers'], rows };
}

/** A probe's row. */
export function probeRow(title: string, { latency, failures }: ProbeResult): readonly string[] {
  return latencyRow(title, latency, new Map([...failures, ['2xx', latency.count]]));
}

/** One line of the table of promises; a broken one makes the run fail. */
export function promise(text: string, isKept: boolean, measured: string): Promised {
  return { text, measured, isKept };
}

/** The promise behind every other one. */
export function nothingLost(bytesLost: number): Promised {
  return promise('0 bytes lost', bytesLost === 0, `${bytesLost} bytes`);
}

/** The server went on answering others while the load was on. */
export function stayedAvailable(probe: ProbeResult, p99Ms: number): Promised {
  const failed = [...probe.failures.values()].reduce((sum, count) => sum + count, 0);
  const isKept = failed === 0 && probe.latency.count > 0 && probe.latency.p99 <= p99Ms;
  return promise(
    `GET /healthz always answered, p99 at most ${p99Ms} ms`,
    isKept,
    `${failed} of ${failed + probe.latency.count} failed, p99 ${round(probe.latency.p99)} ms`,
  );
}
