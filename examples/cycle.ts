import { defineTask } from 'penstock';
import { sumByLoop } from './_sum.ts';

/** How not to do it: it computes in the server's own process, and nobody else is served meanwhile. */
export default defineTask({
  name: 'cycle',
  description: 'Sums squares in the server itself, by a loop',
  methods: ['GET'],
  runs: 'inline',
  run: () => ({ data: sumByLoop() }),
});
