import { toAppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { EventWork } from './event-work.ts';
import { createRunpodApi, type RunpodApi, type RunpodJob } from './runpod-api.ts';

export interface RunpodOptions {
  readonly work: EventWork;
  /** Jobs at once. */
  readonly concurrency: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

export interface RunpodWorker {
  /** Takes no more jobs; resolves when those under way have ended, or stops them when the signal aborts. */
  stop(signal: AbortSignal): Promise<void>;
}

/** Takes jobs from RunPod's queue, does them and sends back what became of them. Error: a plain one, for a missing variable. */
export function startRunpodWorker({ work, concurrency, env, log }: RunpodOptions): RunpodWorker {
  const running = new Set<string>();
  const api = createRunpodApi(env, log, () => running.size > 0);
  const noMore = new AbortController();
  const endNow = new AbortController();
  const ping = () => api.ping([...running]).catch((err: unknown) => log.warn({ err }, 'RunPod could not be pinged'));
  const timer = setInterval(() => void ping(), api.pingMs);

  async function takeJobs(): Promise<void> {
    while (!noMore.signal.aborted) {
      const job = await api.take(noMore.signal).catch((error: unknown) => {
        if (!noMore.signal.aborted) throw error;
        return undefined;
      });
      if (!job) return;
      running.add(job.id);
      await doJob(api, job, { work, log, signal: endNow.signal });
      running.delete(job.id);
    }
  }

  const loops = Promise.all(Array.from({ length: concurrency }, takeJobs));
  return {
    async stop(signal) {
      noMore.abort(new Error('the worker stops'));
      signal.addEventListener('abort', () => endNow.abort(signal.reason), { once: true });
      if (signal.aborted) endNow.abort(signal.reason);
      await loops;
      clearInterval(timer);
    },
  };
}

interface Doing {
  readonly work: EventWork;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What fails is told to RunPod; what cannot be told is logged, and RunPod hands the job out again. */
async function doJob(api: RunpodApi, job: RunpodJob, { work, log, signal }: Doing): Promise<void> {
  const progress = createProgressPosts(api, job.id, log);
  let items = 0;
  const onItem = async (item: unknown) => {
    items += 1;
    await api.postItem(job.id, { output: item });
  };
  try {
    const output = await perform(job, work, { signal, onItem, onProgress: progress.tell });
    await progress.end();
    await api.post(job.id, items > 0 ? {} : { output }, items > 0);
    log.info({ job: job.id }, 'done');
  } catch (error) {
    await progress.end();
    const { code, message } = toAppError(error);
    log.warn({ job: job.id, code, err: error }, 'failed');
    const told = { error: JSON.stringify({ error_type: code, error_message: message }) };
    await api.post(job.id, told, false).catch((err: unknown) => log.error({ job: job.id, err }, 'could not be told'));
  }
}

function perform({ input }: RunpodJob, work: EventWork, hooks: Parameters<EventWork>[1]): Promise<unknown> {
  const { path, ...members } = input;
  return work({ path: String(path ?? ''), members }, hooks);
}

/** Sends the newest progress, one request at a time. */
function createProgressPosts(api: RunpodApi, jobId: string, log: Log) {
  let newest: object | undefined;
  let sending: Promise<void> | undefined;

  async function send(): Promise<void> {
    while (newest) {
      const output = newest;
      newest = undefined;
      await api
        .post(jobId, { status: 'IN_PROGRESS', output }, false)
        .catch((err: unknown) => log.warn({ job: jobId, err }, 'its progress could not be told'));
    }
    sending = undefined;
  }

  return {
    tell(progress: number, message: string | undefined): void {
      newest = { progress, message: message ?? null };
      sending ??= send();
    },
    /** Nothing is sent any more: a late one would undo the end. */
    async end(): Promise<void> {
      newest = undefined;
      await sending;
    },
  };
}
