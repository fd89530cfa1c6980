import { defineTask } from 'penstock';
import { lastStop } from './_wheel.ts';

const TURNS_PER_LOOK = 100_000;

/** A wheel with the digits 0 to 9, turned as fast as it goes until somebody stops it: answers the digit it stops at. */
export default defineTask({
  name: 'rotate',
  description: 'Turns a wheel until GET /stop; answers its digit',
  methods: ['GET'],
  workers: 8,
  deadlineS: 3600,
  run(_input, { sharedDir, createdAt }) {
    let digit = Math.floor(Math.random() * 10);
    while (lastStop(sharedDir) < createdAt) {
      const turns = TURNS_PER_LOOK + Math.floor(Math.random() * 10);
      for (let turn = 0; turn < turns; turn++) digit = (digit + 1) % 10;
    }
    return digit;
  },
});
