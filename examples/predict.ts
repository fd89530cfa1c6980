import { defineTask, z } from 'penstock';
import { toFastTaskJob } from './_fast-task.ts';

export default defineTask({
  name: 'predict',
  description: 'The smallest task there is',
  queueSize: 10,
  answer: 'async',
  reply: toFastTaskJob,
  input: z.object({ my_param1: z.string(), my_param2: z.int().default(0) }),
  run({ my_param1, my_param2 }, { progress }) {
    progress(0.5, 'I am working on it');
    progress(0.8, 'Still working on it. Almost done');
    return `my_awesome_prediction ${my_param1} ${my_param2}`;
  },
});
