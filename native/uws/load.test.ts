import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadUws } from './load.ts';

test('the binary of this machine loads, its reads are bounded, its requests guarded, and a second call gets the same module', () => {
  const first = loadUws();
  assert.ok(first.ok, first.ok ? '' : first.reason);
  assert.equal(first.unbounded, undefined);
  if (process.arch === 'x64') assert.equal(first.unguarded, undefined);
  const second = loadUws();
  assert.ok(second.ok);
  assert.equal(second.uws, first.uws);
});
