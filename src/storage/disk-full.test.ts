import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { openDiskStorage } from './disk.ts';

const MIB = 1024 * 1024;

/** A disk of 2 MiB; undefined where mounting is not allowed, which is a failure if REQUIRE_ALL=1. */
function mountSmallDisk(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-full-'));
  const mount = (options: string) => execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'penstock', folder]);
  try {
    mount('size=2m');
  } catch (error) {
    rmSync(folder, { recursive: true });
    if (process.env.REQUIRE_ALL === '1') throw error;
    context.skip('a small disk cannot be mounted here');
    return undefined;
  }
  return {
    folder,
    setMode: (mode: 'ro' | 'rw') => mount(`remount,${mode}`),
    [Symbol.dispose]: () => {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    },
  };
}

suite('disk storage on a disk of 2 MiB', () => {
  test('a file that outgrows it is storage_full, leaves nothing, and the next small one is stored', async (context) => {
    using disk = mountSmallDisk(context);
    if (!disk) return;
    const storage = await openDiskStorage({ dataDir: disk.folder });
    const sink = await storage.create('files/A');
    await sink.write([Buffer.alloc(MIB)]);
    const refused = { code: 'storage_full', retryAfterS: 10 };
    await assert.rejects(sink.write([Buffer.alloc(MIB), Buffer.alloc(MIB)]), refused);
    assert.deepEqual(readdirSync(join(disk.folder, 'tmp')), []);
    assert.deepEqual(readdirSync(join(disk.folder, 'blobs')), []);
    const small = await storage.create('files/B', { expectedBytes: MIB });
    await small.write([Buffer.alloc(MIB)]);
    await small.commit({});
    assert.equal((await storage.stat('files/B'))?.size, MIB);
    assert.equal(storage.isHealthy(), true);
  });

  test('an announced file that cannot fit is refused before a byte is written', async (context) => {
    using disk = mountSmallDisk(context);
    if (!disk) return;
    const storage = await openDiskStorage({ dataDir: disk.folder });
    await assert.rejects(storage.create('files/A', { expectedBytes: 2 * MIB }), { code: 'storage_full' });
  });

  test('a disk that turns read-only makes the storage unhealthy until it stores again', async (context) => {
    using disk = mountSmallDisk(context);
    if (!disk) return;
    const storage = await openDiskStorage({ dataDir: disk.folder });
    disk.setMode('ro');
    const sink = await storage.create('files/A');
    await assert.rejects(sink.write([Buffer.from('abc')]), { code: 'storage_full' });
    assert.equal(storage.isHealthy(), false);
    disk.setMode('rw');
    const again = await storage.create('files/A');
    await again.write([Buffer.from('abc')]);
    await again.commit({});
    assert.equal(storage.isHealthy(), true);
  });
});
