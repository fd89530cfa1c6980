import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Arrivals } from './arrivals.ts';

test('whoever comes and leaves, each knows how many are ahead', () => {
  const steps = fc.array(fc.record({ id: fc.integer({ max: 900, min: 0 }).map(String), comes: fc.boolean() }), {
    maxLength: 2000,
    size: 'max',
  });
  fc.assert(
    fc.property(steps, (all) => {
      const arrivals = new Arrivals();
      const model = new Set<string>();
      for (const { id, comes } of all) {
        if (comes) arrivals.add(id);
        else arrivals.delete(id);
        if (comes) model.add(id);
        else model.delete(id);
      }
      assert.equal(arrivals.size, model.size);
      assert.deepEqual(
        [...model].map((id) => arrivals.ahead(id)),
        [...model.keys()].map((_, index) => index),
      );
      assert.equal(arrivals.ahead('nobody'), undefined);
    }),
    { numRuns: 30 },
  );
});
