import { defineTask } from '../../../src/penstock.ts';

/** A job that is nothing but its way through the service. */
export default defineTask({ name: 'noop', run: () => null });
