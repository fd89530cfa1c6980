import { setTimeout as pause } from 'node:timers/promises';
import { defineTask, z } from 'penstock';
import { toFastTaskJob } from './_fast-task.ts';

export default defineTask({
  name: 'make_fries',
  description: 'Takes its time, and tells how far it is',
  queueSize: 100,
  answer: 'async',
  reply: toFastTaskJob,
  input: z.object({ fries_name: z.string(), amount: z.int().default(1) }),
  async run({ fries_name, amount }, { progress, signal }) {
    progress(0.1, `started new fries creation ${fries_name}`);
    await pause(1000, undefined, { signal });
    progress(0.5, `I am working on it. Lots of work to do ${amount}`);
    await pause(2000, undefined, { signal });
    progress(0.8, 'Still working on it. Almost done');
    await pause(2000, undefined, { signal });
    return `Your fries ${fries_name} are ready`;
  },
});
