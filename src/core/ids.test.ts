import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createIdSource, isId, isOwned } from './ids.ts';

const COUNT = 5000;

suite('ids', () => {
  test('come in the order in which they were made, with an owner and without', () => {
    for (const owner of [undefined, 'key:ann']) {
      const newId = createIdSource();
      const ids = Array.from({ length: COUNT }, () => newId(owner));
      assert.ok(ids.every(isId));
      assert.deepEqual(ids.toSorted(), ids);
      assert.equal(new Set(ids).size, COUNT);
    }
  });

  test('tell whose they are, to every source', () => {
    const newId = createIdSource();
    for (let count = 0; count < COUNT; count++) {
      const id = newId('key:ann');
      assert.ok(isOwned(id, 'key:ann'));
      assert.equal(isOwned(id, 'key:bob'), false);
      assert.equal(isOwned(newId(), 'key:ann'), false);
    }
  });
});
