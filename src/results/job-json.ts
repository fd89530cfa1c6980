import type { JobJson } from '../api.ts';
import { isFinal, type Job, type Place } from '../queue/queue.ts';

/** A job as callers see it; `links` and `url` members inside are relative to the job's own address. */
export function toJobJson(job: Job, now: number, place?: Place): JobJson {
  const end = job.finishedAt ?? now;
  const queuedMs = (job.startedAt ?? end) - job.createdAt;
  const runningMs = job.startedAt === undefined ? 0 : end - job.startedAt;
  return {
    id: job.id,
    task: job.task,
    status: job.status,
    progress: job.progress,
    message: job.message ?? null,
    attempt: job.attempt,
    created_at: new Date(job.createdAt).toISOString(),
    started_at: toIso(job.startedAt),
    finished_at: toIso(job.finishedAt),
    elapsed_ms: { queued: queuedMs, running: runningMs },
    ...(place ? { queue_position: place.position, estimated_wait_s: Math.round(place.estimatedWaitS * 10) / 10 } : {}),
    ...(job.status === 'succeeded' ? { result: job.result } : {}),
    ...(isFinal(job.status) && job.error ? { error: { code: job.error.code, detail: job.error.message } } : {}),
    links: { self: '', result: 'result', events: 'events', archive: 'archive' },
  };
}

function toIso(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
