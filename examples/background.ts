import { defineTask } from 'penstock';
import { sumByGenerator } from './_sum.ts';

/** Answered at once; the job goes on, and `GET /v1/jobs/{id}` tells of it. */
export default defineTask({
  name: 'background',
  description: 'Sums squares in a worker, while nobody waits',
  methods: ['GET'],
  answer: 'async',
  reply: () => ({ message: 'long running task queued' }),
  run: () => sumByGenerator(),
});
