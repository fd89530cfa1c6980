import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { createBodySource } from './body.ts';

suite('body', () => {
  const bodies = createBodySource(1);

  for (const length of [0, 1, 65_536, 20 * 2 ** 20]) {
    test(`the slices of a body of ${length} bytes add up to its length and digest`, () => {
      const body = bodies.body(length, 5);
      const hash = createHash('sha256');
      let at = 0;
      while (at < length) {
        const slice = body.slice(at, 100_003);
        assert.ok(slice.length > 0 && slice.length <= 100_003);
        hash.update(slice);
        at += slice.length;
      }
      assert.equal(at, length);
      assert.equal(hash.digest('hex'), body.sha256);
    });
  }

  test('the same seed gives the same bytes, another variant or seed others', () => {
    assert.equal(createBodySource(1).body(1000).sha256, bodies.body(1000).sha256);
    assert.notEqual(bodies.body(1000, 1).sha256, bodies.body(1000).sha256);
    assert.notEqual(createBodySource(2).body(1000).sha256, bodies.body(1000).sha256);
  });
});
