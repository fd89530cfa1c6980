import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { guardRequests } from './guard-requests.ts';

const folder = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'));
const builds = readdirSync(folder).filter((name) => name.startsWith('uws_linux_'));

for (const name of builds) {
  test(`${name} is ${name.includes('x64') ? 'mended' : 'left alone'}`, () => {
    const original = readFileSync(join(folder, name));
    const before = Buffer.from(original);
    const guarded = guardRequests(original);
    assert.equal(guarded.ok, name.includes('x64'));
    assert.ok(original.equals(before));
    if (!guarded.ok) return;
    assert.equal(guarded.bytes.length, original.length);
    // What is mended is not found a second time.
    assert.equal(guardRequests(guarded.bytes).ok, false);
  });
}

test('another file is left alone', () => {
  assert.equal(guardRequests(Buffer.alloc(10)).ok, false);
  const unknown = Buffer.alloc(100_000);
  unknown.writeUInt16LE(0x3e, 18);
  assert.deepEqual(guardRequests(unknown), { ok: false, reason: 'the size of a chunk was not found once' });
});
