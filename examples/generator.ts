import { defineTask } from 'penstock';
import { sumByGenerator } from './_sum.ts';

/** How not to do it: it computes in the server's own process, and nobody else is served meanwhile. */
export default defineTask({
  name: 'generator',
  description: 'Sums squares in the server itself, by a generator',
  methods: ['GET'],
  runs: 'inline',
  run: () => ({ data: sumByGenerator() }),
});
