import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { createIdSource } from '../core/ids.ts';
import { createLog } from '../core/log.ts';
import { openDiskStorage } from '../storage/disk.ts';
import type { ByteSource } from './byte-source.ts';
import { DigestFollower } from './digest-follower.ts';
import { createIngest } from './receive.ts';

async function createDisk(follower = new DigestFollower()) {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-receive-'));
  const storage = await openDiskStorage({ dataDir });
  const log = createLog({ level: 'silent', format: 'json' });
  const ingest = createIngest({
    storage,
    newId: createIdSource(),
    channelBytes: 512 * 1024,
    log,
    onStored: () => undefined,
    follower,
  });
  return {
    storage,
    receive: (source: ByteSource, declaredBytes: number | undefined, signal = new AbortController().signal) =>
      ingest.receive(source, { name: 'x', maxBytes: 2 ** 60, declaredBytes, signal }),
    filesIn: (folder: string) => readdirSync(join(dataDir, folder)),
    [Symbol.asyncDispose]: async () => {
      await ingest.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

/** Sends the chunks and then waits, as a socket does, for the signal. */
function silentAfter(chunks: Uint8Array[]): ByteSource & { readonly silent: Promise<void> } {
  const silent = Promise.withResolvers<void>();
  return {
    silent: silent.promise,
    next(signal) {
      const chunk = chunks.shift();
      if (chunk) return Promise.resolve(chunk);
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        silent.resolve();
      });
    },
  };
}

suite('receiving onto a disk', () => {
  for (const bytes of [0, 1, 1024 * 1024, 1024 * 1024 + 1, 9_999_999]) {
    for (const isDeclared of [true, false]) {
      test(`${bytes} bytes, ${isDeclared ? 'declared' : 'chunked'}, have the right digest`, async () => {
        await using disk = await createDisk();
        const content = randomBytes(bytes);
        let offset = 0;
        const source: ByteSource = {
          async next() {
            const chunk = content.subarray(offset, offset + 65_536);
            offset += chunk.byteLength;
            return chunk.byteLength > 0 ? chunk : undefined;
          },
        };
        const file = await disk.receive(source, isDeclared ? bytes : undefined);
        assert.equal(file.sha256, createHash('sha256').update(content).digest('hex'));
        assert.deepEqual(disk.filesIn('tmp'), []);
      });
    }
  }

  test('a hundred uploads that are lost at any point leave no file and no descriptor', async () => {
    await using disk = await createDisk();
    const chunk = randomBytes(100_000);
    const lose = async (index: number) => {
      const controller = new AbortController();
      const source = silentAfter(Array.from({ length: index % 30 }, () => chunk));
      const outcome = assert.rejects(disk.receive(source, 5_000_000, controller.signal), { code: 'client_gone' });
      await source.silent;
      controller.abort(new AppError('client_gone', 'the client is gone'));
      await outcome;
    };
    await lose(29);
    const before = readdirSync('/proc/self/fd').length;
    await Promise.all(Array.from({ length: 100 }, (_, index) => lose(index)));
    assert.deepEqual(disk.filesIn('tmp'), []);
    assert.deepEqual(disk.filesIn('blobs'), []);
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});

test('an upload that no digest thread is to be had for gives the room back that it was promised', async () => {
  class NoThread extends DigestFollower {
    override follow(): never {
      throw new Error('spawn EAGAIN');
    }
  }
  await using disk = await createDisk(new NoThread());
  const most = Math.floor((await disk.storage.freeBytes()) * 0.6);
  const source = { next: () => Promise.resolve(undefined) };
  await assert.rejects(disk.receive(source, most), { code: 'internal' });
  await (await disk.storage.create('files/next', { expectedBytes: most })).abort();
  assert.deepEqual(disk.filesIn('tmp'), []);
});
