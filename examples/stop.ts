import { defineTask } from 'penstock';
import { stopWheels } from './_wheel.ts';

/** Stops every wheel that turns now, or waits for its turn. */
export default defineTask({
  name: 'stop',
  description: 'Stops what GET /rotate has started',
  methods: ['GET'],
  runs: 'inline',
  run(_input, { sharedDir }) {
    stopWheels(sharedDir);
    return 'stopped';
  },
});
