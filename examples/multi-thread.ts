import { defineTask, z } from 'penstock';
import { toQueueAnswer } from './_queue-result.ts';

/** Hands the work to the one message worker, or to the least busy of eight that draw, and waits for the result. */
export default defineTask({
  name: 'multiThread',
  description: 'A message job (504 after 5 s) or a pdf2image job, by its jobType',
  runs: 'inline',
  deadlineS: 120,
  input: z.object({
    data: z.string(),
    jobType: z.enum(['message', 'pdf2image']).default('message'),
    randomNo: z.int().min(1).max(10).optional(),
  }),
  async run({ data, jobType, randomNo }, { jobs }) {
    if (jobType === 'pdf2image') return toQueueAnswer(await jobs.run('pdf_job', { data }), 'pdfWorker');
    const input = randomNo === undefined ? { data } : { data, randomNo };
    return toQueueAnswer(await jobs.run('message', input, { deadlineS: 5 }), 'messageWorker');
  },
});
