import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkSlab, joinNeighbours } from './chunk-slab.ts';

test('copies are true, stay so, and those that lie side by side join to the same bytes', () => {
  const chunk = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 2000, maxLength: 2100 }));
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), (chunks) => {
      const slab = new ChunkSlab();
      const lent = new Uint8Array(2100);
      const copies = chunks.map((bytes) => {
        lent.set(bytes);
        return slab.copy(lent.subarray(0, bytes.byteLength));
      });
      lent.fill(0);
      assert.deepEqual(
        copies.map((copy) => [...copy]),
        chunks.map((bytes) => [...bytes]),
      );
      assert.deepEqual(Buffer.concat(joinNeighbours(copies)), Buffer.concat(chunks));
    }),
  );
});

test('four packets of a kilobyte are one piece', () => {
  const slab = new ChunkSlab();
  slab.copy(Buffer.alloc(10));
  const copies = Array.from({ length: 5 }, (_, index) => slab.copy(Buffer.alloc(1024, index)));
  assert.deepEqual(
    joinNeighbours(copies).map(({ byteLength }) => byteLength),
    [4096, 1024],
  );
});
