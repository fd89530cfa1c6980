import { AppError, type InlineContext } from 'penstock';
import { noFastTaskJob, toFastTaskJob } from './_fast-task.ts';

/** What `/status` and `/job` answer. */
export async function lookUp({ job_id }: { readonly job_id: string }, { jobs }: Pick<InlineContext, 'jobs'>) {
  try {
    return toFastTaskJob(await jobs.get(job_id));
  } catch (error) {
    if (error instanceof AppError && (error.code === 'not_found' || error.code === 'gone'))
      return noFastTaskJob(job_id);
    throw error;
  }
}
