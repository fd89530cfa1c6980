import { defineTask } from 'penstock';
import { sumByGenerator } from './_sum.ts';

/** How to do it: a plain function that computes, in a worker. */
export default defineTask({
  name: 'thread',
  description: 'Sums squares in a worker',
  methods: ['GET'],
  run: () => ({ result: sumByGenerator() }),
});
