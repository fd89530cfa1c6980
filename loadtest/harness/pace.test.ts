import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createBodySource } from './body.ts';
import { createBucket, PROFILES, pacedSlices } from './pace.ts';

const body = createBodySource(1).body(40_000);
const random = () => 0.5;

suite('pace', () => {
  test('a bucket starts empty and never lets more through than its rate', async () => {
    const bucket = createBucket(100_000, 10_000);
    const { signal } = new AbortController();
    const start = performance.now();
    for (let count = 0; count < 3; count += 1) await bucket.take(10_000, signal);
    const took = performance.now() - start;
    assert.ok(took >= 299, `30,000 bytes at 100,000 B/s took ${took} ms`);
  });

  test('a cut body stops at its byte', async () => {
    const { signal } = new AbortController();
    let sent = 0;
    const ending = { kind: 'cut', at: 12_345, by: 'fin' } as const;
    for await (const slice of pacedSlices({ body, profile: PROFILES.full, ending, random, signal }))
      sent += slice.length;
    assert.equal(sent, 12_345);
  });

  test('a stalled body says nothing more until the signal ends it', async () => {
    const giveUp = new AbortController();
    const slices = pacedSlices({
      body,
      profile: PROFILES.full,
      ending: { kind: 'stall', at: 1000 },
      random,
      signal: giveUp.signal,
    });
    assert.equal((await slices.next()).value?.length, 1000);
    const next = slices.next();
    giveUp.abort(new Error('enough'));
    await assert.rejects(next, { name: 'AbortError' });
  });
});
