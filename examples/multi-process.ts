import { defineTask, z } from 'penstock';
import { toQueueAnswer } from './_queue-result.ts';

/** Draws the sample document in the least busy of eight processes. */
export default defineTask({
  name: 'multiProcess',
  description: 'A pdf2image job in a process of its own',
  runs: 'inline',
  deadlineS: 120,
  input: z.object({ data: z.string() }),
  run: async ({ data }, { jobs }) => toQueueAnswer(await jobs.run('pdf_job', { data }), 'pdfProcess'),
});
