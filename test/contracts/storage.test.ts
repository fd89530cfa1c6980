import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDiskStorage } from '../../src/storage/disk.ts';
import { createMemoryStorage } from '../../src/storage/memory.ts';
import { notesContract, storageContract } from './storage.ts';

async function createDisk(notes: readonly string[] = []) {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-storage-'));
  const storage = await openDiskStorage({ dataDir, notes });
  return {
    storage,
    async [Symbol.asyncDispose]() {
      await storage.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function createMemory() {
  return { storage: createMemoryStorage(), [Symbol.asyncDispose]: async () => undefined };
}

storageContract('disk', createDisk);
storageContract('memory', createMemory);
notesContract('disk', createDisk);
notesContract('disk, in a log', () => createDisk(['jobs/']));
notesContract('memory', createMemory);
