import { defineTask } from 'penstock';
import { sumWithPauses } from './_sum.ts';

/** A little better: others are served in the pauses, and it still takes the server's time. */
export default defineTask({
  name: 'cycle_sleep',
  description: 'Sums squares in the server itself, with pauses',
  methods: ['GET'],
  runs: 'inline',
  run: async () => ({ data: await sumWithPauses() }),
});
