import { defineTask, z } from '../../../src/penstock.ts';

/** Keeps a worker's CPU for so many milliseconds. */
export default defineTask({
  name: 'nap',
  input: z.object({ ms: z.number().min(0).max(10_000) }),
  run({ ms }) {
    const end = performance.now() + ms;
    while (performance.now() < end) Math.sqrt(2);
    return { ms };
  },
});
