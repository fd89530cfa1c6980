import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createDirSync } from './dir-sync.ts';

/** Fsyncs that end when the test says so. */
function createFsync() {
  const calls: { path: string; end: PromiseWithResolvers<void> }[] = [];
  const fsync = (path: string) => {
    const end = Promise.withResolvers<void>();
    calls.push({ path, end });
    return end.promise;
  };
  return { calls, sync: createDirSync(fsync) };
}

const turn = () => new Promise(setImmediate);

suite('directory sync', () => {
  test('who comes during an fsync waits for the next one, and shares it', async () => {
    const { calls, sync } = createFsync();
    const first = sync('a');
    const others = [sync('a'), sync('a'), sync('a')];
    assert.equal(calls.length, 1);
    calls[0]?.end.resolve();
    await first;
    await turn();
    assert.equal(calls.length, 2);
    calls[1]?.end.resolve();
    await Promise.all(others);
    await turn();
    assert.equal(calls.length, 2);
  });

  test('folders do not wait for one another', () => {
    const { calls, sync } = createFsync();
    void sync('a');
    void sync('b');
    assert.deepEqual(
      calls.map(({ path }) => path),
      ['a', 'b'],
    );
  });

  test('a failed fsync fails all who waited for it and no one else', async () => {
    const { calls, sync } = createFsync();
    const first = sync('a');
    const second = [sync('a'), sync('a')];
    const error = new Error('EIO');
    calls[0]?.end.resolve();
    await first;
    await turn();
    const third = sync('a');
    calls[1]?.end.reject(error);
    for (const result of await Promise.allSettled(second))
      assert.deepEqual(result, { status: 'rejected', reason: error });
    await turn();
    calls[2]?.end.resolve();
    await third;
  });
});
