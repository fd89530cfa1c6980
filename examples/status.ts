import { defineTask, z } from 'penstock';
import { lookUp } from './_job-lookup.ts';

export default defineTask({
  name: 'status',
  description: 'A job as FastTaskAPI tells of it',
  methods: ['GET', 'POST'],
  runs: 'inline',
  isRateLimited: false,
  input: z.object({ job_id: z.string() }),
  run: lookUp,
});
