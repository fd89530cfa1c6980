import type { JobJson } from 'penstock';

/** The answer of the queue server's endpoints about a job that is done. */
export function toQueueAnswer(job: JobJson, workerName: string) {
  const { data, images = [] } = job.result as { data: string; images?: readonly unknown[] };
  const { queued, running } = job.elapsed_ms;
  const times = { dequeueElapsedMs: queued, processElapsedMs: running, totalElapsedMs: queued + running };
  return { data: { id: job.id, result: { errCode: '', err: '', data, workerName, ...times, images } } };
}
