import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readAll, sourceOf } from '../../test/fixtures/byte-sources.ts';
import { createByteSource, drain, prepend } from './byte-source.ts';

suite('byte source', () => {
  test('the end is for good', async () => {
    const answers = [undefined, Buffer.from('late')].values();
    const source = createByteSource(async () => answers.next().value);
    assert.equal(await source.next(), undefined);
    assert.equal(await source.next(), undefined);
  });

  test('an error is for good, so that what follows it is never taken for the rest', async () => {
    let calls = 0;
    const source = createByteSource(async () => {
      calls++;
      throw new Error('broken');
    });
    await assert.rejects(source.next(), /broken/);
    await assert.rejects(source.next(), /broken/);
    assert.equal(calls, 1);
  });

  test('what was taken off the front can be put back', async () => {
    const source = sourceOf([Buffer.from('ab'), Buffer.from('cd')]);
    const first = await source.next();
    assert.equal((await readAll(prepend(first ?? Buffer.alloc(0), source))).toString(), 'abcd');
    assert.equal(await source.next(), undefined);
  });

  test('draining reads to the end and tells an error on the way', async () => {
    const source = sourceOf([Buffer.from('ab'), Buffer.from('cd')]);
    await drain(source);
    assert.equal(await source.next(), undefined);
    await assert.rejects(drain(createByteSource(() => Promise.reject(new Error('broken')))), /broken/);
  });
});
