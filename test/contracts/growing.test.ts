import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openDiskStorage } from '../../src/storage/disk.ts';
import { createMemoryStorage } from '../../src/storage/memory.ts';
import { BrokenGrowing } from '../../src/storage/storage.ts';
import { failNextSync } from '../fixtures/failing-sync.ts';
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
  test('what others put there keeps nothing from starting, and is no blob', async () => {
    await using subject = await createDisk();
    const { dataDir, storage, restart } = subject;
    await storage.growing.create('A', { note: {} });
    const folder = join(dataDir, 'growing');
    for (const name of ['.DS_Store.json', 'a b!.json', 'N.json', 'S.json']) writeFileSync(join(folder, name), 'null');
    for (const name of ['somedir', 'D.json']) mkdirSync(join(folder, name));
    const { growing } = await restart();
    assert.deepEqual(await Array.fromAsync(growing.list()), ['A', 'N', 'S']);
    for (const id of ['N', 'D', 'somedir']) assert.equal(await growing.find(id), undefined);
    assert.ok(await growing.find('A'));
  });

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

  test('room is held by who writes, until the close, and by nobody for an upload that lies there', async () => {
    await using subject = await createDisk();
    const { storage } = subject;
    const free = await storage.freeBytes();
    const most = Math.floor(free * 0.6);
    for (const id of ['A', 'B']) await storage.growing.create(id, { note: {}, expectedBytes: most });
    const writer = await storage.growing.open('A');
    assert.ok((await storage.freeBytes()) < free * 0.5);
    await assert.rejects(storage.growing.open('B'), { code: 'storage_full' });
    await assert.rejects(storage.create('files/C', { expectedBytes: most }), { code: 'storage_full' });
    const reader = await storage.growing.open('B', { isForAppend: false });
    await reader.truncate(0);
    await reader.close();
    await writer.close();
    await writer.close();
    const next = await storage.growing.open('B');
    await next.append([Buffer.from('bytes')]);
    await next.publish('files/B', {});
    await (await storage.create('files/C', { expectedBytes: most })).abort();
    assert.ok((await storage.freeBytes()) > free * 0.8);
  });

  test('after a restart no room is held until somebody writes', async () => {
    await using subject = await createDisk();
    const { dataDir, storage } = subject;
    const most = Math.floor((await storage.freeBytes()) * 0.6);
    await storage.growing.create('A', { note: {}, expectedBytes: most });
    const again = await openDiskStorage({ dataDir });
    await (await again.create('files/C', { expectedBytes: most })).abort();
    const writer = await again.growing.open('A');
    await assert.rejects(again.create('files/C', { expectedBytes: most }), { code: 'storage_full' });
    await writer.close();
  });

  test('what could never fit is refused when it is announced, and leaves nothing', async () => {
    await using subject = await createDisk();
    const { dataDir, storage } = subject;
    const tooMuch = 2 * (await storage.freeBytes());
    await assert.rejects(storage.growing.create('A', { note: {}, expectedBytes: tooMuch }), { code: 'storage_full' });
    assert.deepEqual(readdirSync(join(dataDir, 'growing')), []);
    await storage.growing.create('A', { note: { step: 1 } });
    const update = storage.growing.update('A', { note: { step: 2 }, expectedBytes: tooMuch });
    await assert.rejects(update, { code: 'storage_full' });
    assert.deepEqual((await storage.growing.find('A'))?.note, { step: 1 });
  });

  test('bytes that a flush has lost are not told by the next one, but refused until they are deleted', async (t) => {
    await using subject = await createDisk();
    const { storage } = subject;
    await storage.growing.create('A', { note: {} });
    const blob = await storage.growing.open('A');
    await blob.append([Buffer.from('bytes')]);
    await blob.close();
    await failNextSync(t);
    const first = await storage.growing.find('A').catch((error: unknown) => error);
    assert.ok(first instanceof BrokenGrowing);
    assert.equal(first.code, 'internal');
    assert.equal(storage.isHealthy(), false);
    const isFirst = (error: unknown) => error === first;
    await assert.rejects(storage.growing.find('A'), isFirst);
    await assert.rejects(storage.growing.open('A'), isFirst);
    assert.deepEqual(await Array.fromAsync(storage.growing.list()), ['A']);
    await storage.growing.delete('A');
    await storage.growing.create('A', { note: {} });
    assert.equal((await storage.growing.find('A'))?.size, 0);
  });

  for (const act of ['flush', 'truncate', 'publish'] as const) {
    test(`what a ${act} of its writer has lost is refused, to the writer, too`, async (t) => {
      await using subject = await createDisk();
      const { growing } = subject.storage;
      await growing.create('A', { note: {} });
      const blob = await growing.open('A');
      await blob.append([Buffer.from('bytes')]);
      await failNextSync(t, 'ENOSPC');
      const acts = {
        flush: () => blob.flush(),
        truncate: () => blob.truncate(0),
        publish: () => blob.publish('files/B', {}),
      };
      await assert.rejects(acts[act](), { code: 'storage_full' });
      await assert.rejects(acts[act](), BrokenGrowing);
      await blob.close();
      await assert.rejects(growing.find('A'), BrokenGrowing);
    });
  }
});
