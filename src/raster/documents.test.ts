import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DocumentCache } from './documents.ts';
import type { RasterEngine } from './raster.ts';

function startCache() {
  const calls: string[] = [];
  const engine: RasterEngine = {
    name: 'fake',
    open: async (path, { password = '' }) => {
      calls.push(`open ${path} ${password}`.trim());
      const unused = async () => assert.fail('nothing is drawn here');
      const close = async () => void calls.push(`close ${path}`);
      return { pageCount: 1, pageSize: unused, render: unused, text: unused, close };
    },
  };
  return { calls, cache: new DocumentCache(engine) };
}

suite('document cache', () => {
  test('parts of one document open it once; a part with another document, or password, closes it', async () => {
    const { calls, cache } = startCache();
    const part = async (path: string, options = {}) => {
      const document = await cache.open(path, options);
      cache.rest();
      return document;
    };
    assert.equal(await part('a'), await part('a'));
    await part('a', { password: 'x' });
    await part('b');
    assert.deepEqual(calls, ['open a', 'close a', 'open a x', 'close a', 'open b']);
    await cache.close();
  });

  test('what a part has opened stays open until it is over, then the last of it', async () => {
    const { calls, cache } = startCache();
    const one = await cache.open('a', {});
    await cache.open('b', {});
    assert.equal(await cache.open('a', {}), one);
    assert.deepEqual(calls, ['open a', 'open b']);
    cache.rest();
    await cache.open('a', {});
    assert.deepEqual(calls, ['open a', 'open b', 'close b']);
    await cache.close();
    assert.equal(calls.at(-1), 'close a');
  });

  test('a document is not closed under a part that takes long, but some time after it', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { calls, cache } = startCache();
    await cache.open('a', {});
    cache.rest();
    await cache.open('a', {});
    context.mock.timers.tick(60_000);
    assert.deepEqual(calls, ['open a']);
    cache.rest();
    context.mock.timers.tick(5000);
    assert.deepEqual(calls, ['open a', 'close a']);
  });
});
