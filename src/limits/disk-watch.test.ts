import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createDiskWatch } from './limits.ts';

const ROOM = { bavail: 500_000, blocks: 1_000_000, bsize: 4096, files: 65_536, ffree: 60_000 };

function watchOf(figures: Partial<typeof ROOM>) {
  const statDisk = async () => ({ ...ROOM, ...figures });
  return createDiskWatch({ dataDir: '.', minFreeBytes: 2 ** 20, isHealthy: () => true, statDisk });
}

suite('disk watch', () => {
  for (const [what, figures, trouble] of [
    ['with room for bytes and files', {}, undefined],
    ['without bytes', { bavail: 10 }, /nearly full/],
    ['without inodes', { ffree: 3 }, /inodes/],
    ['with as many inodes as it may have at least', { ffree: 1000 }, undefined],
    ['with few inodes, most of them free', { files: 400, ffree: 390 }, undefined],
    ['that counts no inodes', { files: 0, ffree: 0 }, undefined],
  ] as const) {
    test(`a disk ${what} ${trouble ? 'takes no upload, and says why' : 'is ready'}`, async () => {
      const watch = watchOf(figures);
      const told = await watch.trouble();
      if (trouble === undefined) {
        assert.equal(told, undefined);
        await watch.assertRoom();
      } else {
        assert.match(told ?? '', trouble);
        await assert.rejects(watch.assertRoom(), { code: 'storage_full', message: trouble });
      }
    });
  }
});
