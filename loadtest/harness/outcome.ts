import type { Body } from './body.ts';
import { createLatency, type Latency } from './latency.ts';

/** What became of one upload, seen by its client. */
export interface Outcome {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  /** From the first byte sent to the answer, or to the loss of the connection. */
  readonly ms: number;
  readonly bytesSent: number;
  /** Bytes acknowledged with a 2xx whose size or digest is not what was sent. */
  readonly bytesLost: number;
  /** The answer's `code`, or what ended the connection. */
  readonly reason?: string;
  readonly id?: string;
  readonly retryAfter?: string;
}

/** Compares the answer with what was sent. A 2xx that cannot be checked counts as a loss: nothing was promised by it. */
export function judge(body: Body, answer: { status: number; text: string; retryAfter: string | undefined }) {
  const { status, text, retryAfter } = answer;
  const json = parse(text);
  const isKept = status >= 200 && status < 300;
  const isRight = json.sha256 === body.sha256 && json.size === body.length;
  return {
    status,
    bytesLost: isKept && !isRight ? body.length : 0,
    ...(typeof json.id === 'string' ? { id: json.id } : {}),
    ...(typeof json.code === 'string' ? { reason: json.code } : {}),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    // Not JSON: the caller sees the status, and a 2xx without a digest counts as lost.
    return {};
  }
}

/** The sum of many outcomes. */
export interface Tally {
  add(outcome: Outcome): void;
  readonly count: number;
  readonly acknowledgedBytes: number;
  readonly bytesLost: number;
  /** Answers by status; connections without one under what ended them. */
  readonly statuses: ReadonlyMap<string, number>;
  /** Latency of the answers with a status from 200 to 299, and of all the others. */
  readonly kept: Latency;
  readonly refused: Latency;
  share(status: string): number;
}

/** Adds up outcomes; `sizeOf` is what a kept upload brought. */
export function createTally(): Tally {
  const statuses = new Map<string, number>();
  const [kept, refused] = [createLatency(), createLatency()];
  let [count, acknowledgedBytes, bytesLost] = [0, 0, 0];
  return {
    add(outcome) {
      const isKept = outcome.status >= 200 && outcome.status < 300;
      const name = outcome.status === 0 ? (outcome.reason ?? 'no answer') : label(outcome);
      statuses.set(name, (statuses.get(name) ?? 0) + 1);
      count += 1;
      bytesLost += outcome.bytesLost;
      if (isKept) acknowledgedBytes += outcome.bytesSent;
      if (outcome.status > 0) (isKept ? kept : refused).record(outcome.ms);
    },
    get count() {
      return count;
    },
    get acknowledgedBytes() {
      return acknowledgedBytes;
    },
    get bytesLost() {
      return bytesLost;
    },
    statuses,
    kept,
    refused,
    share: (status) => (count === 0 ? 0 : (statuses.get(status) ?? 0) / count),
  };
}

function label({ status, reason }: Outcome): string {
  return reason === undefined ? String(status) : `${status} ${reason}`;
}

/** `201: 1980, 503 too_many_uploads: 20`, most frequent first. */
export function describeStatuses(statuses: ReadonlyMap<string, number>): string {
  const sorted = [...statuses].sort(([, left], [, right]) => right - left);
  return sorted.map(([name, count]) => `${name}: ${count}`).join(', ') || 'none';
}
