import type { JobJson } from '../api.ts';
import { PenstockError } from './error.ts';
import { followJob, type PageJson } from './follow.ts';
import type { Requester } from './requester.ts';
import type { UploadProgress } from './upload.ts';
import { createWatched, type RunEvent } from './watched.ts';

export type { RunEvent } from './watched.ts';

/**
 * A job from its file's first byte to its result, which awaiting the run itself gives. Whoever watches late is told every page,
 * and of all else the newest.
 */
export interface Run<Result = unknown> extends Promise<Result> {
  /** The job as the server accepted it: from then on it outlives this process. Error: `no_job`, of an endpoint that has none. */
  accepted(): Promise<JobJson>;
  /** Ends after `done`, which is told of a failed job, too. Errors: PenstockError where there is no job to tell of. */
  events(): AsyncIterable<RunEvent>;
  /** Each page as soon as it is ready, in the order in which they are. Error: what the run failed with. */
  pages(): AsyncIterable<PageJson>;
  /** Ends the upload, or the job: idempotent, and the run fails with `cancelled` unless it had ended. */
  cancel(): Promise<void>;
}

/** What a call leads to: a job, or at once the result. */
export type Accepted = { readonly job: JobJson } | { readonly result: unknown };

export interface SendTools {
  readonly signal: AbortSignal;
  readonly onUpload: (progress: UploadProgress) => void;
}

export interface StartOptions {
  readonly requester: Requester;
  /** Brings the work to the server, or finds it there. */
  readonly accept: (tools: SendTools) => Promise<Accepted>;
  /** Its abort cancels the job. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

/** Time for the server to hear that the job is not wanted any more. */
const WITHDRAW_LIMIT_MS = 5000;

/** Starts at once. */
export function startRun<Result>(options: StartOptions): Run<Result> {
  const { requester, signal } = options;
  const stopped = new AbortController();
  const watched = createWatched(options.onEvent);
  const ended = signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal;
  const accepted = options.accept({
    signal: ended,
    onUpload: (upload) => watched.tell({ type: 'upload', upload }),
  });
  const result = work();

  async function work(): Promise<Result> {
    try {
      const call = await accepted;
      if ('result' in call) {
        watched.end();
        return call.result as Result;
      }
      for await (const event of followJob(requester, call.job.id, ended)) watched.tell(event);
    } catch (error) {
      if (ended.aborted) await withdraw();
      watched.fail(error);
      throw error;
    }
    watched.end();
    return resultOf(watched.last()) as Result;
  }

  /** The job may have been accepted while the abort was on its way. */
  async function withdraw(): Promise<void> {
    const call = await accepted.catch(() => undefined);
    if (!call || 'result' in call) return;
    const limit = AbortSignal.timeout(WITHDRAW_LIMIT_MS);
    // Best effort: what the run failed with is told, not that the server is gone, too.
    await deleteJob(requester, call.job.id, limit).catch(() => undefined);
  }

  async function cancel(): Promise<void> {
    stopped.abort(new PenstockError('cancelled', 'the run was cancelled'));
    await result.catch(() => undefined);
  }

  /** Whoever takes the handle's other ends learns of a failure there, if he does not await the run itself. */
  function taken<T>(value: T): T {
    result.catch(() => undefined);
    return value;
  }

  return Object.assign(result, {
    accepted: () => taken(accepted.then(jobOf)),
    events: () => taken(watched.events()),
    pages: () => taken(watched.pages(() => result)),
    cancel: () => taken(cancel()),
  });
}

export async function deleteJob(requester: Requester, id: string, signal?: AbortSignal): Promise<JobJson> {
  return requester.json<JobJson>(`/v1/jobs/${encodeURIComponent(id)}`, { method: 'DELETE', signal });
}

/** Error: `no_job`. */
export function jobOf(call: Accepted): JobJson {
  if ('job' in call) return call.job;
  throw new PenstockError('no_job', 'this endpoint answers at once, without a job');
}

/** Error: what the job failed with. */
function resultOf(job: JobJson | undefined): unknown {
  if (job?.status === 'succeeded') return job.result;
  const { code = 'bad_answer', detail = 'the job ended without a result' } = job?.error ?? {};
  throw new PenstockError(code, detail, { jobId: job?.id });
}
