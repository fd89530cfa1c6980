import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStorage } from '../../src/storage/disk.ts';
import { createMemoryStorage } from '../../src/storage/memory.ts';
import { storageContract } from './storage.ts';

storageContract('disk', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-storage-'));
  return {
    storage: await openDiskStorage({ dataDir }),
    [Symbol.asyncDispose]: async () => rmSync(dataDir, { recursive: true, force: true }),
  };
});
storageContract('memory', async () => ({
  storage: createMemoryStorage(),
  [Symbol.asyncDispose]: async () => undefined,
}));
