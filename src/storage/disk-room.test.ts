import assert from 'node:assert/strict';
import type { StatsFs } from 'node:fs';
import { suite, test } from 'node:test';
import { createRoom } from './disk-room.ts';

/** A disk of 10,000 bytes, 100 of them kept as margin. */
const disk = (free: number) => async () => ({ bavail: free, blocks: 10_000, bsize: 1 }) as StatsFs;

suite('room on the disk', () => {
  test('takes what fits beside the margin to the byte, and refuses one more', async () => {
    await createRoom(disk(1100)).reserve(1000);
    await assert.rejects(createRoom(disk(1100)).reserve(1001), { code: 'storage_full', retryAfterS: 10 });
  });

  test('what others announced is gone until they write it or give up', async () => {
    const room = createRoom(disk(1100));
    const first = await room.reserve(600);
    await assert.rejects(room.reserve(401), { code: 'storage_full' });
    assert.equal(await room.freeBytes(), 500);
    first.use(400);
    await assert.rejects(room.reserve(801), { code: 'storage_full' });
    first.release();
    first.release();
    first.use(100);
    await room.reserve(1000);
  });

  test('of two at once that do not fit together one is refused', async () => {
    const room = createRoom(disk(1100));
    const results = await Promise.allSettled([room.reserve(600), room.reserve(600)]);
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  });

  test('more bytes than announced do not eat what others reserved', async () => {
    const room = createRoom(disk(1100));
    const first = await room.reserve(100);
    await room.reserve(900);
    first.use(5000);
    await assert.rejects(room.reserve(101), { code: 'storage_full' });
  });

  test('what comes unannounced keeps out of what others reserved, beyond the first MiB', async () => {
    const mib = 2 ** 20;
    const free = 10 * mib;
    const room = createRoom(async () => ({ bavail: free, blocks: 0, bsize: 1 }) as StatsFs);
    const promised = await room.reserve(6 * mib);
    const unannounced = await room.reserve(0);
    assert.equal(unannounced.extend(mib), undefined);
    unannounced.use(mib);
    await unannounced.extend(1);
    unannounced.use(1);
    assert.equal(await room.freeBytes(), free - 7 * mib + 1, 'as much again is reserved');
    assert.equal(unannounced.extend(mib - 1), undefined);
    unannounced.use(mib - 1);
    await assert.rejects(async () => unannounced.extend(5 * mib), { code: 'storage_full' });
    await unannounced.extend(3 * mib);
    promised.release();
    await unannounced.extend(5 * mib);
    unannounced.release();
    assert.equal(await room.freeBytes(), free);
  });

  test('what was written beyond the announced and is taken back is reserved for nobody', async () => {
    const room = createRoom(disk(1100));
    const unannounced = await room.reserve(0);
    unannounced.use(500);
    unannounced.use(-500);
    unannounced.use(-500);
    assert.equal(await room.freeBytes(), 1100);
    const announced = await room.reserve(300);
    announced.use(500);
    announced.use(-400);
    assert.equal(await room.freeBytes(), 900);
    announced.use(-100);
    assert.equal(await room.freeBytes(), 800);
  });

  test('what is taken back after the release is reserved for nobody', async () => {
    const room = createRoom(disk(1100));
    const reservation = await room.reserve(300);
    reservation.use(300);
    reservation.release();
    reservation.use(-300);
    assert.equal(await room.freeBytes(), 1100);
  });
});
