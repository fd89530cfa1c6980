import assert from 'node:assert/strict';
import { copyFileSync, existsSync, linkSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openDiskStorage } from '../../src/storage/disk.ts';
import { createMemoryStorage } from '../../src/storage/memory.ts';
import { growingContract } from './growing.ts';

async function createDisk() {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-growing-'));
  const restart = () => openDiskStorage({ dataDir });
  const storage = await restart();
  return {
    dataDir,
    storage,
    restart,
    [Symbol.asyncDispose]: async () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

growingContract('disk', createDisk);
growingContract('memory', async () => ({
  storage: createMemoryStorage(),
  restart: undefined,
  [Symbol.asyncDispose]: async () => undefined,
}));

suite('growing blobs on disk', () => {
  test('a crash between the publication and the removal of the old name is healed by publishing again', async () => {
    await using subject = await createDisk();
    const { dataDir, storage } = subject;
    await storage.growing.create('A', { note: {} });
    const blob = await storage.growing.open('A');
    await blob.append([Buffer.from('bytes')]);
    await blob.publish('files/B', { sum: 1 });
    linkSync(join(dataDir, 'blobs/files/B'), join(dataDir, 'growing/A'));
    const again = await openDiskStorage({ dataDir });
    const resumed = await again.growing.open('A');
    await resumed.publish('files/B', { sum: 1 });
    assert.equal((await again.stat('files/B'))?.size, 5);
    assert.equal(existsSync(join(dataDir, 'growing/A')), false);
  });

  test('where there are no hard links, the same crash is healed if the copy is the same by its digest', async () => {
    await using subject = await createDisk();
    const { dataDir, storage } = subject;
    await storage.growing.create('A', { note: {} });
    const blob = await storage.growing.open('A');
    await blob.append([Buffer.from('bytes')]);
    await blob.publish('files/B', { sha256: '00ff' });
    copyFileSync(join(dataDir, 'blobs/files/B'), join(dataDir, 'growing/A'));
    const resumed = await storage.growing.open('A');
    await assert.rejects(resumed.publish('files/B', { sha256: 'ffff' }), { code: 'conflict' });
    await resumed.publish('files/B', { sha256: '00ff' });
    assert.equal(existsSync(join(dataDir, 'growing/A')), false);
  });

  test('a crash in the middle of a publication leaves the growing bytes and no blob', async () => {
    await using subject = await createDisk();
    const { dataDir, storage } = subject;
    await storage.growing.create('A', { note: {} });
    const blob = await storage.growing.open('A');
    await blob.append([Buffer.from('bytes')]);
    await blob.flush();
    const other = await storage.create('files/other');
    await other.commit({});
    linkSync(join(dataDir, 'growing/A'), join(dataDir, 'blobs/files/B'));
    await blob.close();
    const again = await openDiskStorage({ dataDir });
    assert.equal(await again.stat('files/B'), undefined);
    const resumed = await again.growing.open('A');
    assert.equal((await resumed.publish('files/B', {})).size, 5);
  });

  test("bytes without a state are nobody's and go at the next start", async () => {
    await using subject = await createDisk();
    writeFileSync(join(subject.dataDir, 'growing/orphan'), 'x');
    await openDiskStorage({ dataDir: subject.dataDir });
    assert.deepEqual(readdirSync(join(subject.dataDir, 'growing')), []);
  });

  test('room that is promised is refused to others, and again after a restart', async () => {
    await using subject = await createDisk();
    const { dataDir, storage } = subject;
    const half = Math.floor((await storage.freeBytes()) * 0.6);
    await storage.growing.create('A', { note: {}, expectedBytes: half });
    await assert.rejects(storage.growing.create('B', { note: {}, expectedBytes: half }), { code: 'storage_full' });
    assert.equal(await storage.growing.find('B'), undefined);
    const again = await openDiskStorage({ dataDir });
    await assert.rejects(again.create('files/C', { expectedBytes: half }), { code: 'storage_full' });
    await again.growing.delete('A');
    await (await again.create('files/C', { expectedBytes: half })).abort();
  });
});
