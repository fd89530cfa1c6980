import { defineTask, z } from 'penstock';

export default defineTask({
  name: 'hello',
  description: 'Says what it received',
  methods: ['GET', 'POST'],
  runs: 'inline',
  input: z.object({ data: z.string() }),
  result: z.object({ data: z.string() }),
  run: ({ data }) => ({ data: `received data=${data}!` }),
});
