import assert from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { suite, test } from 'node:test';
import { createFlushTurns, Flusher } from './disk-flush.ts';

const MIB = 1024 * 1024;

/** A descriptor whose fdatasyncs end when the test says so. */
function createFile(turns = createFlushTurns()) {
  const syncs: PromiseWithResolvers<void>[] = [];
  const datasync = () => {
    const sync = Promise.withResolvers<void>();
    syncs.push(sync);
    return sync.promise;
  };
  return { syncs, flusher: new Flusher({ datasync } as unknown as FileHandle, turns) };
}

const turn = () => new Promise(setImmediate);

suite('flusher', () => {
  test('flushes early once per step, and never twice at once', async () => {
    const { syncs, flusher } = createFile();
    flusher.wrote(31 * MIB);
    assert.equal(syncs.length, 0);
    flusher.wrote(MIB);
    flusher.wrote(64 * MIB);
    assert.equal(syncs.length, 1);
    syncs[0]?.resolve();
    await turn();
    flusher.wrote(1);
    assert.equal(syncs.length, 2);
  });

  test('the last flush waits for the early one', async () => {
    const { syncs, flusher } = createFile();
    flusher.wrote(32 * MIB);
    const finished = flusher.finish();
    await turn();
    assert.equal(syncs.length, 1);
    syncs[0]?.resolve();
    await turn();
    assert.equal(syncs.length, 2);
    syncs[1]?.resolve();
    await finished;
  });

  test('an early failure fails the next write and the commit, without a second try', async () => {
    const error = new Error('EIO');
    const { syncs, flusher } = createFile();
    flusher.wrote(32 * MIB);
    syncs[0]?.reject(error);
    await flusher.settle();
    assert.throws(() => flusher.wrote(1), error);
    await assert.rejects(flusher.finish(), error);
    assert.equal(syncs.length, 1);
  });

  test('only so many files flush early at once, and a turn that is free again is used', async () => {
    const turns = createFlushTurns();
    const files = [createFile(turns), createFile(turns), createFile(turns)];
    for (const { flusher } of files) flusher.wrote(32 * MIB);
    assert.deepEqual(
      files.map(({ syncs }) => syncs.length),
      [1, 1, 0],
    );
    files[0]?.syncs[0]?.resolve();
    await turn();
    files[2]?.flusher.wrote(1);
    assert.equal(files[2]?.syncs.length, 1);
  });
});
