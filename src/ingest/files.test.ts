import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createIdSource } from '../core/ids.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import { createFiles } from './files.ts';
import { fileKey, type StoredFile, toMeta } from './stored-file.ts';

const newId = createIdSource();

async function createSubject() {
  const storage = createMemoryStorage();
  async function store(content: string): Promise<StoredFile> {
    const id = newId();
    const file = { id, name: content, size: content.length, sha256: '0', mediaType: 'text/plain', createdAt: 'now' };
    const sink = await storage.create(fileKey(id));
    await sink.write([Buffer.from(content)]);
    await sink.commit(toMeta(file));
    return file;
  }
  return { storage, store, files: await createFiles({ storage }) };
}

suite('files', () => {
  test('are found by id, with their bytes, until they are deleted', async () => {
    const { store, files } = await createSubject();
    const file = await store('hello');
    assert.deepEqual(await files.get(file.id), file);
    const part = Buffer.concat(await Array.fromAsync(await files.open(file.id, { start: 1, end: 2 })));
    assert.equal(part.toString(), 'el');
    await files.delete(file.id);
    await files.delete(file.id);
    assert.equal(await files.get(file.id), undefined);
    await assert.rejects(files.open(file.id), { code: 'not_found' });
  });

  test('what is no id finds and deletes nothing', async () => {
    const { store, files } = await createSubject();
    const file = await store('hello');
    for (const id of ['', '..', `../files/${file.id}`, file.id.toLowerCase(), `${file.id}/x`]) {
      assert.equal(await files.get(id), undefined);
      await files.delete(id);
    }
    assert.ok(await files.get(file.id));
  });

  test('what is no file of ours is not the newest', async () => {
    const { store, storage } = await createSubject();
    const file = await store('1');
    await (await storage.create('files/zzz')).commit({});
    assert.deepEqual(await (await createFiles({ storage })).newest(), file);
    assert.deepEqual(await (await createFiles({ storage })).newest('me'), file);
  });

  test('the newest is the one stored last, then the one before it, also after a restart', async () => {
    const { store, storage, files } = await createSubject();
    assert.equal(await files.newest(), undefined);
    const [first, second] = [await store('1'), await store('2')];
    files.noteStored(first);
    files.noteStored(second);
    assert.deepEqual(await files.newest(), second);
    await files.delete(second.id);
    assert.deepEqual(await files.newest(), first);
    await files.delete(first.id);
    assert.equal(await files.newest(), undefined);
    const third = await store('3');
    assert.deepEqual(await (await createFiles({ storage })).newest(), third);
  });
});
