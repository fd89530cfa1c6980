import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Appendable, Growing, Storage } from '../../src/storage/storage.ts';

export interface GrowingSubject extends AsyncDisposable {
  readonly storage: Storage & Appendable;
  /** The same data seen by a new process, after the old one was killed; undefined: nothing survives that. */
  readonly restart: (() => Promise<Storage & Appendable>) | undefined;
}

const text = (bytes: string) => Buffer.from(bytes);

async function contentOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}

async function readAll(growing: Growing, size: number): Promise<string> {
  return contentOf(growing.read({ start: 0, end: size - 1 }));
}

/** What every storage with growing blobs must do. */
export function growingContract(name: string, createSubject: () => Promise<GrowingSubject>): void {
  suite(`growing blobs contract: ${name}`, () => {
    test('starts empty, keeps its state, and appends over several openings', async () => {
      await using subject = await createSubject();
      const { growing } = subject.storage;
      await growing.create('A', { note: { owner: 'x' }, expectedBytes: 10 });
      const { changedAt, ...fresh } = (await growing.find('A')) ?? assert.fail();
      assert.ok(Math.abs(changedAt - Date.now()) < 5000);
      assert.deepEqual(fresh, { note: { owner: 'x' }, expectedBytes: 10, size: 0 });
      for (const part of ['abc', 'def']) {
        const blob = await growing.open('A');
        await blob.append([text(part), text('-')]);
        await blob.flush();
        await blob.close();
      }
      const blob = await growing.open('A', { isForAppend: false });
      assert.equal(await readAll(blob, 8), 'abc-def-');
      assert.equal(await contentOf(blob.read({ start: 2, end: 4 })), 'c-d');
      assert.equal((await growing.find('A'))?.size, 8);
      await blob.close();
      await blob.close();
    });

    test('flush tells how much there is, and truncate takes back exactly what lies beyond', async () => {
      await using subject = await createSubject();
      const { growing } = subject.storage;
      await growing.create('A', { note: {} });
      const blob = await growing.open('A');
      assert.equal(await blob.flush(), 0);
      await blob.append([text('0123456789')]);
      assert.equal(await blob.flush(), 10);
      await blob.truncate(4);
      assert.equal((await growing.find('A'))?.size, 4);
      await blob.append([text('xy')]);
      assert.equal(await blob.flush(), 6);
      assert.equal(await readAll(blob, 6), '0123xy');
      await blob.close();
    });

    test("becomes a blob with its meta; the state stays, the bytes are the blob's", async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      await storage.growing.create('A', { note: { a: 1 }, expectedBytes: 5 });
      const blob = await storage.growing.open('A');
      await blob.append([text('hello')]);
      const info = await blob.publish('files/B', { name: 'b.txt' });
      await blob.close();
      assert.deepEqual(info, { key: 'files/B', size: 5, meta: { name: 'b.txt' } });
      assert.deepEqual(await storage.stat('files/B'), info);
      assert.equal(await contentOf(await storage.open('files/B')), 'hello');
      const left = await storage.growing.find('A');
      assert.deepEqual([left?.size, left?.note], [0, { a: 1 }]);
      await storage.growing.delete('A');
      assert.equal(await storage.growing.find('A'), undefined);
      assert.equal(await contentOf(await storage.open('files/B')), 'hello');
    });

    test('without bytes becomes a blob without bytes', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      await storage.growing.create('A', { note: {} });
      const blob = await storage.growing.open('A');
      await blob.publish('files/empty', {});
      await blob.close();
      assert.equal((await storage.stat('files/empty'))?.size, 0);
    });

    test('a publication under a key that exists is a conflict and loses nothing', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sink = await storage.create('files/B');
      await sink.write([text('other')]);
      await sink.commit({});
      await storage.growing.create('A', { note: {} });
      const blob = await storage.growing.open('A');
      await blob.append([text('mine')]);
      await assert.rejects(blob.publish('files/B', {}), { code: 'conflict' });
      await blob.publish('files/C', {});
      await blob.close();
      assert.equal(await contentOf(await storage.open('files/B')), 'other');
      assert.equal(await contentOf(await storage.open('files/C')), 'mine');
    });

    test('update replaces the state, and an unknown id is not_found', async () => {
      await using subject = await createSubject();
      const { growing } = subject.storage;
      await growing.create('A', { note: { step: 1 } });
      await growing.update('A', { note: { step: 2 }, expectedBytes: 7 });
      const found = await growing.find('A');
      assert.deepEqual([found?.note, found?.expectedBytes], [{ step: 2 }, 7]);
      await assert.rejects(growing.create('A', { note: {} }), { code: 'conflict' });
      await assert.rejects(growing.update('nothing', { note: {} }), { code: 'not_found' });
      await assert.rejects(growing.open('nothing'), { code: 'not_found' });
      assert.equal(await growing.find('nothing'), undefined);
      await growing.delete('nothing');
    });

    test('list names all in order, and not what was deleted', async () => {
      await using subject = await createSubject();
      const { growing } = subject.storage;
      for (const id of ['C', 'A', 'B']) await growing.create(id, { note: {} });
      await growing.delete('B');
      assert.deepEqual(await Array.fromAsync(growing.list()), ['A', 'C']);
    });

    test('after a kill bytes and state are there, and a publication that was cut is done again', async (t) => {
      await using subject = await createSubject();
      if (!subject.restart) return t.skip('nothing survives');
      await subject.storage.growing.create('A', { note: { n: 1 }, expectedBytes: 6 });
      const blob = await subject.storage.growing.open('A');
      await blob.append([text('abc')]);
      const again = await subject.restart();
      assert.deepEqual([(await again.growing.find('A'))?.size, (await again.growing.find('A'))?.note], [3, { n: 1 }]);
      const resumed = await again.growing.open('A');
      await resumed.append([text('def')]);
      await resumed.publish('files/B', {});
      await resumed.close();
      await blob.close();
      assert.equal(await contentOf(await again.open('files/B')), 'abcdef');
    });
  });
}
