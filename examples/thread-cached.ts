import { defineTask } from 'penstock';
import { sumByGenerator } from './_sum.ts';

/** The same work for the same input is done once. */
export default defineTask({
  name: 'thread_cached',
  description: 'Sums squares in a worker, once',
  methods: ['GET'],
  version: '1',
  run: () => ({ result: sumByGenerator() }),
});
