import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { JobJson } from '../api.ts';
import { createDeadline, raceSignal } from '../core/deadline.ts';
import { AppError, systemCode } from '../core/errors.ts';
import { type AddressGuard, createGuardedDispatcher } from '../ingest/ingest.ts';
import { createLanes } from './lanes.ts';
import type { Owed } from './owed.ts';
import { signedHeaders } from './signature.ts';

const ATTEMPT_MS = 15_000;
const FIRST_PAUSE_MS = 1000;
const PAUSE_FACTOR = 4;
const LONGEST_PAUSE_MS = 3_600_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface DeliveryOptions {
  readonly guard: AddressGuard;
  readonly keys: readonly Buffer[];
  readonly maxAttempts: number;
  readonly linkJob: (origin: string, job: JobJson) => JobJson;
  /** 0 to 1. */
  readonly random?: () => number;
}

export interface Delivery {
  /** All attempts of one message. Rejects when the process ends first: then the message is still owed. */
  run(entry: Owed, job: JobJson): Promise<'delivered' | 'failed'>;
  readonly isClosed: boolean;
  close(): Promise<void>;
}

/** Why an attempt did not get through; `isFinal`: no other will. */
interface Failure {
  readonly reason: string;
  readonly isFinal?: boolean;
  readonly retryAfterMs?: number;
}

export function createDelivery({ guard, keys, maxAttempts, linkJob, random = Math.random }: DeliveryOptions): Delivery {
  const dispatcher = createGuardedDispatcher({ guard, headersTimeoutMs: ATTEMPT_MS, idleTimeoutMs: ATTEMPT_MS });
  const lanes = createLanes();
  const closing = new AbortController();

  async function run(entry: Owed, job: JobJson): Promise<'delivered' | 'failed'> {
    const body = JSON.stringify(toPayload(linkJob(entry.origin, job)));
    for (;;) {
      entry.attempts += 1;
      const failure = await attempt(entry, body);
      entry.lastError = failure?.reason;
      if (!failure) return 'delivered';
      if (failure.isFinal || entry.attempts >= maxAttempts) return 'failed';
      const pauseMs = Math.max(pauseAfter(entry.attempts, random), failure.retryAfterMs ?? 0);
      entry.nextAt = Date.now() + pauseMs;
      await sleep(pauseMs, undefined, { signal: closing.signal, ref: false });
      entry.nextAt = undefined;
    }
  }

  async function attempt(entry: Owed, body: string): Promise<Failure | undefined> {
    const leave = await lanes.enter(new URL(entry.url).origin, closing.signal);
    const tooSlow = new AppError('deadline_exceeded', `no answer within ${ATTEMPT_MS / 1000} s`);
    using limit = createDeadline({ ms: ATTEMPT_MS, parents: [closing.signal], reason: tooSlow });
    try {
      return await raceSignal(post(entry, body, limit.signal), limit.signal);
    } catch (error) {
      closing.signal.throwIfAborted();
      return toFailure(error);
    } finally {
      leave();
    }
  }

  async function post({ url, jobId }: Owed, body: string, signal: AbortSignal): Promise<Failure | undefined> {
    const message = { id: `msg_${jobId}`, timestamp: Math.floor(Date.now() / 1000), body };
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'penstock',
      ...signedHeaders(message, keys),
    };
    const answer = await request(url, { dispatcher, method: 'POST', headers, body, signal });
    // What the receiver says does not matter, but the connection can be used again only after it.
    await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal });
    const { statusCode } = answer;
    if (statusCode >= 200 && statusCode < 300) return undefined;
    const retryAfterMs = readRetryAfter(answer.headers['retry-after']);
    // 410: the receiver wants no more (Standard Webhooks, "Delivery success and failure").
    return { reason: `the receiver answered ${statusCode}`, isFinal: statusCode === 410, retryAfterMs };
  }

  return {
    run,
    get isClosed() {
      return closing.signal.aborted;
    },
    async close() {
      closing.abort(new AppError('draining', 'the server stops'));
      await dispatcher.destroy();
    },
  };
}

function toPayload(job: JobJson): Readonly<Record<string, unknown>> {
  return { type: `job.${job.status}`, timestamp: job.finished_at, data: job };
}

/** 1 s, 4 s, 16 s … 1 h, each shortened by up to half, so that messages that failed together do not come back together. */
function pauseAfter(attempts: number, random: () => number): number {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * PAUSE_FACTOR ** (attempts - 1));
  return pauseMs * (0.5 + random() / 2);
}

/** Of 429 and 503, in seconds; a date is not looked at. */
function readRetryAfter(value: string | string[] | undefined): number {
  const text = typeof value === 'string' ? value : '';
  return /^\d{1,6}$/.test(text) ? Math.min(Number(text) * 1000, LONGEST_PAUSE_MS) : 0;
}

function toFailure(error: unknown): Failure {
  if (error instanceof AppError) return { reason: error.message, isFinal: error.code === 'blocked_address' };
  const code = systemCode(error);
  return { reason: code === undefined ? String(error).slice(0, 200) : `the receiver cannot be reached (${code})` };
}
