import { setTimeout as sleep } from 'node:timers/promises';
import type { Promises } from './promises.ts';
import { pick, type Random } from './random.ts';

export interface MixedJobsOptions {
  readonly origin: string;
  readonly promises: Promises;
  readonly random: Random;
  /** A page, and many. */
  readonly documents: { readonly small: Uint8Array; readonly large: Uint8Array };
  /** Ends the load. */
  readonly signal: AbortSignal;
}

const CLIENTS = 6;
/** More would only wait, and make each round longer. */
const MAX_OPEN = 8;
const FRESH = { 'cache-control': 'no-cache' };
const ASYNC = { ...FRESH, prefer: 'respond-async' };

interface Answer {
  readonly status: number;
  readonly json: { readonly id?: string; readonly status?: string; readonly job_id?: string };
}

const FINAL = new Set(['succeeded', 'failed', 'cancelled', 'timed_out']);

/** Callers of every kind until the signal aborts; what they are promised and told is noted. A lost connection is nobody's news. */
export async function runMixedJobs(options: MixedJobsOptions): Promise<void> {
  const { signal, random } = options;
  const client = async () => {
    while (!signal.aborted) {
      try {
        await callOnce(options);
        await sleep(random() * 40, undefined, { signal });
      } catch (error) {
        if (!signal.aborted) await sleep(20);
        if (!(error instanceof Error)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function callOnce(options: MixedJobsOptions): Promise<void> {
  const { promises, random, documents } = options;
  const open = promises.open();
  const known = open[Math.floor(random() * open.length)];
  const dpi = 30 + Math.floor(random() * 90);
  const { small, large } = documents;
  const isFull = open.length >= MAX_OPEN;
  const kind = pick(random, [
    [isFull ? 0 : 3, 'small'],
    [isFull ? 0 : 1, 'large'],
    [isFull ? 0 : 1, 'limited'],
    [isFull ? 0 : 1, 'continued'],
    [1, 'waiting'],
    [1, 'file'],
    [known ? 1 : 0, 'cancel'],
    [known ? 2 : 0.1, 'poll'],
  ] as const);
  switch (kind) {
    case 'small':
    case 'large':
      noteAccepted(promises, await post(options, `?dpi=${dpi}`, kind === 'small' ? small : large, ASYNC));
      break;
    case 'limited':
      noteAccepted(promises, await post(options, `?dpi=${dpi}&deadline=0.3`, large, ASYNC));
      break;
    case 'continued':
      noteAccepted(promises, await post(options, `?dpi=${dpi}&deadline=0.05&on_timeout=continue`, large, FRESH));
      break;
    case 'waiting':
      await post(options, `?dpi=${dpi}`, small, FRESH);
      break;
    case 'file':
      await call(`${options.origin}/file`, { method: 'POST', body: new Uint8Array(small), signal: options.signal });
      break;
    case 'cancel':
      noteTold(promises, await call(jobUrl(options, known), { method: 'DELETE', signal: options.signal }));
      break;
    case 'poll':
      noteTold(promises, await call(`${jobUrl(options, known)}?wait=0.2`, { signal: options.signal }));
      break;
    default:
      kind satisfies never;
  }
}

function jobUrl({ origin }: MixedJobsOptions, id: string | undefined): string {
  return `${origin}/v1/jobs/${id ?? 'none'}`;
}

function noteAccepted(promises: Promises, { status, json }: Answer): void {
  const id = status === 202 ? json.id : json.job_id;
  if (id !== undefined && (status === 202 || status === 504)) promises.accepted(id);
  if (status === 202) noteTold(promises, { status: 200, json });
}

function noteTold(promises: Promises, { status, json }: Answer): void {
  if (status === 200 && json.id !== undefined && FINAL.has(json.status ?? ''))
    promises.told(json.id, json.status ?? '');
}

function post(
  { origin, signal }: MixedJobsOptions,
  query: string,
  body: Uint8Array,
  headers: Record<string, string>,
): Promise<Answer> {
  return call(`${origin}/pdf2image${query}`, { method: 'POST', body: new Uint8Array(body), headers, signal });
}

async function call(url: string, init: RequestInit): Promise<Answer> {
  const answer = await fetch(url, init);
  return { status: answer.status, json: (await answer.json()) as Answer['json'] };
}
