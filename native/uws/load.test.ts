import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadUws } from './load.ts';

test('the binary of this machine loads, its reads are bounded, and a second call gets the same module', () => {
  const first = loadUws();
  assert.ok(first.ok, first.ok ? '' : first.reason);
  assert.equal(first.unbounded, undefined);
  const second = loadUws();
  assert.ok(second.ok);
  assert.equal(second.uws, first.uws);
});
