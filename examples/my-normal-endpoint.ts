import { defineTask, z } from 'penstock';

/** An endpoint without queue and job, beside the tasks. */
export default defineTask({
  name: 'my_normal_endpoint',
  description: 'Answers at once',
  methods: ['GET', 'POST'],
  runs: 'inline',
  input: z.object({ image: z.string(), my_param2: z.int().default(0) }),
  run: ({ image, my_param2 }) => `my_awesome_prediction ${image} ${my_param2}`,
});
