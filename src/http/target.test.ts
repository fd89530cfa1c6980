import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitTarget } from './target.ts';

for (const [target, path, query] of [
  ['/a', '/a', ''],
  ['/a?', '/a', ''],
  ['/a?b=c?d', '/a', 'b=c?d'],
  ['http://h:1/a?b', '/a', 'b'],
  ['http://h', '/', ''],
  ['http://h?b', '/', 'b'],
  ['//h/a', '//h/a', ''],
  ['*', '*', ''],
] as const) {
  test(`${target} has the path ${path} and the query ${query}`, () => {
    assert.deepEqual(splitTarget(target), { path, query });
  });
}
