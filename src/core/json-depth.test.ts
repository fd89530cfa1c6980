import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isDeeper } from './json-depth.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('the depth of any JSON text is known, brackets in its texts left out', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: fc.constantFrom('[', '}', '"', '\\', 'a') }), (value) => {
      const depth = depthOf(value);
      const json = JSON.stringify(value);
      assert.equal(isDeeper(json, depth), false, json);
      if (depth > 0) assert.equal(isDeeper(json, depth - 1), true, json);
    }),
  );
});
