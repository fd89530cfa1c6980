import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openDiskStorage } from './disk.ts';

async function createDisk() {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-disk-'));
  const storage = await openDiskStorage({ dataDir });
  return {
    dataDir,
    storage,
    /** Every file and folder below, without the data folder's own name. */
    tree: () => readdirSync(dataDir, { recursive: true }).map(String).toSorted(),
    [Symbol.dispose]: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

type Disk = Awaited<ReturnType<typeof createDisk>>;

const EMPTY = ['blobs', 'growing', 'tmp'];
const openDescriptors = () => readdirSync('/proc/self/fd').length;

async function put({ storage }: Disk, key: string, bytes: string | Uint8Array) {
  const sink = await storage.create(key);
  await sink.write([Buffer.from(bytes)]);
  return await sink.commit({});
}

suite('disk storage', () => {
  test('keeps the bytes under the key and the record beside them, and nothing else', async () => {
    using disk = await createDisk();
    await put(disk, 'files/A', 'abc');
    assert.deepEqual(disk.tree(), ['blobs', 'blobs/files', 'blobs/files/A', 'blobs/files/A.json', 'growing', 'tmp']);
  });

  test('files that are not ours, and records that are none, are passed over', async () => {
    using disk = await createDisk();
    await put(disk, 'files/A', 'abc');
    for (const name of ['._A.json', 'A (copy).json', 'a b.json'])
      writeFileSync(join(disk.dataDir, 'blobs/files', name), '{}');
    for (const [name, text] of [
      ['B', '{"size":0}'],
      ['C', 'null'],
      ['D', '{"meta":{},"size":"0"}'],
      ['E', 'not JSON'],
    ] as const) {
      writeFileSync(join(disk.dataDir, `blobs/files/${name}.json`), text);
      assert.equal(await disk.storage.stat(`files/${name}`), undefined);
    }
    assert.deepEqual(
      (await Array.fromAsync(disk.storage.list('files/'))).map(({ key }) => key),
      ['files/A'],
    );
  });

  test('an abort leaves no file and no descriptor', async () => {
    using disk = await createDisk();
    const before = openDescriptors();
    const sink = await disk.storage.create('files/A');
    await sink.write([Buffer.alloc(100_000)]);
    assert.equal(readdirSync(join(disk.dataDir, 'tmp')).length, 1);
    await sink.abort();
    assert.deepEqual(disk.tree(), EMPTY);
    assert.equal(openDescriptors(), before);
  });

  test('a write that the file system refuses leaves no file and no descriptor', async () => {
    using disk = await createDisk();
    const before = openDescriptors();
    const sink = await disk.storage.create('files/A');
    rmSync(join(disk.dataDir, 'tmp'), { recursive: true });
    await assert.rejects(sink.write([Buffer.from('abc')]), { code: 'internal' });
    await sink.abort();
    assert.deepEqual(disk.tree(), ['blobs', 'growing']);
    assert.equal(openDescriptors(), before);
  });

  test('a commit that fails after the data got their name takes the name back', async () => {
    using disk = await createDisk();
    mkdirSync(join(disk.dataDir, 'blobs/files/A.json/in-the-way'), { recursive: true });
    const sink = await disk.storage.create('files/A');
    await sink.write([Buffer.from('abc')]);
    await assert.rejects(sink.commit({}));
    assert.deepEqual(readdirSync(join(disk.dataDir, 'tmp')), []);
    assert.deepEqual(readdirSync(join(disk.dataDir, 'blobs/files')), ['A.json']);
  });

  test('a start removes what was being written, tidy what a crash left among the blobs, and both keep what was committed', async () => {
    using disk = await createDisk();
    await put(disk, 'files/A', 'abc');
    writeFileSync(join(disk.dataDir, 'tmp/left'), 'x');
    writeFileSync(join(disk.dataDir, 'blobs/files/B'), 'data whose record never came');
    mkdirSync(join(disk.dataDir, 'blobs/results/J/pages'), { recursive: true });
    const again = await openDiskStorage({ dataDir: disk.dataDir });
    assert.deepEqual([await again.stat('files/B'), readdirSync(join(disk.dataDir, 'tmp'))], [undefined, []]);
    await again.tidy(new AbortController().signal);
    const kept = ['blobs/files', 'blobs/files/A', 'blobs/files/A.json', 'blobs/results'];
    assert.deepEqual(disk.tree(), ['blobs', ...kept, 'growing', 'tmp']);
    assert.equal((await again.stat('files/A'))?.size, 3);
  });

  test('tidy leaves alone what is being published, used or published anew while it looks', async () => {
    using disk = await createDisk();
    const { storage } = disk;
    const signal = new AbortController().signal;
    await put(disk, 'files/held', 'abc');
    const { path, release } = await storage.materialize('files/held');
    await storage.delete('files/held');
    for (let round = 0; round < 20; round++) {
      const keys = Array.from({ length: 10 }, (_, index) => `results/${round}-${index}/pages/1`);
      for (const key of keys.slice(0, 3)) {
        mkdirSync(join(disk.dataDir, 'blobs', key, '..'), { recursive: true });
        writeFileSync(join(disk.dataDir, 'blobs', key), 'of a crash');
      }
      await Promise.all([storage.tidy(signal), ...keys.map((key) => put(disk, key, 'abc')), storage.tidy(signal)]);
      for (const key of keys) assert.equal((await storage.stat(key))?.size, 3, key);
    }
    assert.equal(readFileSync(path, 'utf8'), 'abc');
    await release();
    assert.throws(() => readFileSync(path), { code: 'ENOENT' });
  });

  test('a blob that lost bytes or its record in a power cut does not exist', async () => {
    using disk = await createDisk();
    for (const key of ['files/A', 'files/B', 'files/C']) await put(disk, key, 'abc');
    truncateSync(join(disk.dataDir, 'blobs/files/A'), 1);
    truncateSync(join(disk.dataDir, 'blobs/files/B.json'), 0);
    rmSync(join(disk.dataDir, 'blobs/files/C'));
    for (const key of ['files/A', 'files/B', 'files/C']) assert.equal(await disk.storage.stat(key), undefined, key);
    await assert.rejects(disk.storage.open('files/A'), { code: 'not_found' });
  });

  test('a reader that ends early, or never begins, holds no descriptor', async () => {
    using disk = await createDisk();
    await put(disk, 'files/A', Buffer.alloc(1_000_000));
    const before = openDescriptors();
    await disk.storage.open('files/A');
    for await (const chunk of await disk.storage.open('files/A')) {
      assert.equal(chunk.byteLength, 256 * 1024);
      break;
    }
    assert.equal(openDescriptors(), before);
  });

  test('the folders of a deleted blob go with it while others come and stay', async () => {
    using disk = await createDisk();
    await put(disk, 'results/J/pages/1', 'a');
    await put(disk, 'results/J/2', 'b');
    await disk.storage.delete('results/J/pages/1');
    assert.deepEqual(readdirSync(join(disk.dataDir, 'blobs/results/J')).toSorted(), ['2', '2.json']);
    const rounds = Array.from({ length: 40 }, async (_, index) => {
      const key = `results/K/pages/${index}`;
      await put(disk, key, 'x');
      await disk.storage.delete(key);
    });
    await Promise.all(rounds);
    assert.deepEqual(readdirSync(join(disk.dataDir, 'blobs/results')), ['J']);
  });

  test('adopts a file without a copy', async () => {
    using disk = await createDisk();
    const path = join(disk.dataDir, 'made-by-a-worker');
    writeFileSync(path, 'page');
    const info = await disk.storage.adopt('results/J/1', path, { mediaType: 'image/png' }, { durable: false });
    assert.deepEqual(info, { key: 'results/J/1', size: 4, meta: { mediaType: 'image/png' } });
    assert.deepEqual(await disk.storage.stat('results/J/1'), info);
    await assert.rejects(disk.storage.adopt('results/J/2', path, {}), { code: 'internal' });
  });
});
