import { defineTask, z } from 'penstock';

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end) Math.sqrt(end);
}

/** One slot of its own, kept busy for 3 s, now and then for 10. */
export default defineTask({
  name: 'message',
  description: 'Computes for 3 or 10 s',
  workers: 1,
  queueSize: 10,
  deadlineS: 60,
  input: z.object({
    data: z.string(),
    randomNo: z.int().min(1).max(10).optional().describe('from 8 on it takes 10 s; default: by chance'),
  }),
  run({ randomNo = 1 + Math.floor(Math.random() * 10) }) {
    spin(randomNo >= 8 ? 10_000 : 3000);
    return { data: `message job finished (${Date.now()})` };
  },
});
