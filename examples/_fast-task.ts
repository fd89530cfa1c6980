import type { JobJson } from 'penstock';

const STATUS = {
  queued: 'Queued',
  running: 'Processing',
  succeeded: 'Finished',
  failed: 'Failed',
  cancelled: 'Failed',
  timed_out: 'Timeout',
} as const;

/** A job as FastTaskAPI answers it. */
export function toFastTaskJob(job: JobJson) {
  return {
    id: job.id,
    status: STATUS[job.status],
    progress: job.progress,
    message: job.error?.detail ?? job.message,
    result: job.result ?? null,
    refresh_job_url: `/status?job_id=${job.id}`,
    created_at: job.created_at,
    queued_at: job.created_at,
    execution_started_at: job.started_at,
    execution_finished_at: job.finished_at,
    endpoint_protocol: 'socaity',
  };
}

/** The answer for an id that no job has. */
export function noFastTaskJob(id: string) {
  return { id, status: 'Failed', progress: 0, message: 'Job not found.', result: null, endpoint_protocol: 'socaity' };
}
