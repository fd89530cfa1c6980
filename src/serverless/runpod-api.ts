import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../core/log.ts';

/** A job as RunPod hands it out. */
export interface RunpodJob {
  readonly id: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface RunpodApi {
  /** The next job; waits for one. Error: the signal's reason. */
  take(signal: AbortSignal): Promise<RunpodJob>;
  /** Sends a job's end, or its progress (`status: IN_PROGRESS`). */
  post(jobId: string, output: object, isStream: boolean): Promise<void>;
  /** One item of a generator. */
  postItem(jobId: string, output: object): Promise<void>;
  /** Tells that the worker lives and what it is at. */
  ping(jobIds: readonly string[]): Promise<void>;
  readonly pingMs: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const TOO_MANY_PAUSE_MS = 5000;
const POST_LIMIT_MS = 60_000;
/** The service answers 204 after a while where it has no job. */
const TAKE_LIMIT_MS = 90_000;
const DEFAULT_PING_MS = '10000';

/**
 * RunPod's side of a worker, by the variables that it sets in one (github.com/runpod/runpod-python, serverless/modules).
 * `busy` tells whether jobs are under way. Error: a plain one, where a variable is missing.
 */
export function createRunpodApi(env: Env, log: Log, busy: () => boolean): RunpodApi {
  const workerId = env.RUNPOD_POD_ID ?? 'local';
  const key = env.RUNPOD_AI_API_KEY ?? '';
  const address = (variable: string, id: string): URL => {
    const template = env[variable];
    if (template === undefined) throw new Error(`--backend runpod: the variable ${variable} is not set`);
    return new URL(template.replaceAll('$RUNPOD_POD_ID', workerId).replaceAll('$ID', id));
  };
  // Fails at the start, not at the first job.
  for (const variable of ['RUNPOD_WEBHOOK_GET_JOB', 'RUNPOD_WEBHOOK_POST_OUTPUT']) address(variable, 'x');

  async function send(url: URL, init: RequestInit): Promise<Response> {
    return await fetch(url, { ...init, headers: { ...init.headers, authorization: key } });
  }

  async function tryTake(signal: AbortSignal): Promise<RunpodJob | number> {
    const url = address('RUNPOD_WEBHOOK_GET_JOB', workerId);
    url.searchParams.set('job_in_progress', busy() ? '1' : '0');
    const answer = await send(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TAKE_LIMIT_MS)]) });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      return answer.status;
    }
    const body: unknown = await answer.json();
    const job = Array.isArray(body) ? body[0] : body;
    if (isJob(job)) return job;
    throw new Error('the job has no id or no input');
  }

  async function take(signal: AbortSignal): Promise<RunpodJob> {
    for (let failures = 0; ; ) {
      signal.throwIfAborted();
      const taken = await tryTake(signal).catch((err: unknown) => {
        signal.throwIfAborted();
        log.warn({ err }, 'no job could be taken');
        return 0;
      });
      if (typeof taken === 'object') return taken;
      // 204: there is none; 400: the worker is being put to sleep.
      failures = taken === 204 || taken === 400 ? 0 : failures + 1;
      const backOffMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, failures - 1));
      await pause(taken === 429 ? TOO_MANY_PAUSE_MS : failures > 0 ? backOffMs : 0, undefined, { signal });
    }
  }

  async function deliver(url: URL, jobId: string, output: object): Promise<void> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', charset: 'utf-8', 'x-request-id': jobId };
    for (let attempt = 1; ; attempt++) {
      try {
        const signal = AbortSignal.timeout(POST_LIMIT_MS);
        const answer = await send(url, { method: 'POST', headers, body: JSON.stringify(output), signal });
        await answer.body?.cancel();
        if (answer.ok) return;
        throw new Error(`RunPod answered ${answer.status}`);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
      }
    }
  }

  return {
    take,
    post(jobId, output, isStream) {
      const url = address('RUNPOD_WEBHOOK_POST_OUTPUT', jobId);
      url.searchParams.set('isStream', String(isStream));
      return deliver(url, jobId, output);
    },
    postItem: (jobId, output) => deliver(address('RUNPOD_WEBHOOK_POST_STREAM', jobId), jobId, output),
    async ping(jobIds) {
      if (env.RUNPOD_WEBHOOK_PING === undefined) return;
      const url = address('RUNPOD_WEBHOOK_PING', workerId);
      if (jobIds.length > 0) url.searchParams.set('job_id', jobIds.join(','));
      const answer = await send(url, { signal: AbortSignal.timeout(POST_LIMIT_MS) });
      await answer.body?.cancel();
    },
    pingMs: Number(env.RUNPOD_PING_INTERVAL ?? DEFAULT_PING_MS),
  };
}

function isJob(value: unknown): value is RunpodJob {
  if (typeof value !== 'object' || value === null || !('id' in value) || !('input' in value)) return false;
  return typeof value.id === 'string' && typeof value.input === 'object' && value.input !== null;
}
