import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { failNextSync } from '../../test/fixtures/failing-sync.ts';
import { createStoreBench, type StoreBench } from '../../test/fixtures/upload-stores.ts';
import { planTusCreation } from './tus.ts';

async function createHalf({ store, storage }: StoreBench): Promise<string> {
  const headers = {
    uploadLength: '6',
    uploadDeferLength: undefined,
    uploadConcat: undefined,
    uploadMetadata: undefined,
    reprDigest: undefined,
  };
  const { id } = await store.create(
    planTusCreation(headers, { caller: 'me', maxBytes: 6 }),
    new AbortController().signal,
  );
  const growing = await storage.growing.open(id);
  await growing.append([Buffer.from('abc')]);
  await growing.close();
  return id;
}

suite('uploads whose bytes did not reach the disk', () => {
  test('whoever asks is told once, and then there is no such upload, nor is it counted', async (t) => {
    await using bench = await createStoreBench('disk', { maxOpenPerCaller: 1 });
    const id = await createHalf(bench);
    await failNextSync(t);
    await assert.rejects(bench.store.status(id, 'look'), { code: 'internal' });
    await assert.rejects(bench.store.status(id, 'look'), { code: 'not_found' });
    assert.deepEqual(await Array.fromAsync(bench.storage.growing.list()), []);
    await createHalf(bench);
  });

  test('a start that finds one removes it and no other', async (t) => {
    await using bench = await createStoreBench('disk');
    const [broken, sound] = [await createHalf(bench), await createHalf(bench)];
    assert.ok(broken < sound, 'the start looks at them in this order');
    bench.store.close();
    await failNextSync(t);
    const again = await bench.restart();
    await assert.rejects(again.store.status(broken, 'look'), { code: 'not_found' });
    assert.equal((await again.store.status(sound, 'look')).offset, 3);
  });
});
