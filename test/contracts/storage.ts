import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Meta, Storage } from '../../src/storage/storage.ts';

export interface StorageSubject extends AsyncDisposable {
  readonly storage: Storage;
}

const text = (bytes: string) => Buffer.from(bytes);

async function put(storage: Storage, key: string, content: string | Uint8Array, meta: Meta = {}) {
  const sink = await storage.create(key);
  await sink.write([typeof content === 'string' ? text(content) : content]);
  return await sink.commit(meta);
}

async function contentOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunks));
}

async function keysOf(storage: Storage, ...[prefix, options]: Parameters<Storage['list']>): Promise<string[]> {
  return (await Array.fromAsync(storage.list(prefix, options))).map(({ key }) => key);
}

/** What every storage must do. */
export function storageContract(name: string, createSubject: () => Promise<StorageSubject>): void {
  suite(`storage contract: ${name}`, () => {
    test('gives back what was committed, bytes and meta', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sink = await storage.create('files/A', { expectedBytes: 6 });
      await sink.write([text('ab'), text('c')]);
      await sink.write([]);
      await sink.write([text('def')]);
      const meta = { name: 'x', nested: { list: [1, null, 'ü'] } };
      assert.deepEqual(await sink.commit(meta), { key: 'files/A', size: 6, meta });
      assert.deepEqual(await storage.stat('files/A'), { key: 'files/A', size: 6, meta });
      assert.equal((await contentOf(await storage.open('files/A'))).toString(), 'abcdef');
    });

    test('any chunks come back as the same bytes, and any range of them', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      let count = 0;
      const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
      const property = fc.asyncProperty(chunks, fc.nat(), fc.nat(), fc.boolean(), async (parts, from, to, durable) => {
        const whole = Buffer.concat(parts);
        fc.pre(whole.byteLength > 0);
        const key = `files/${count++}`;
        const sink = await storage.create(key, { durable });
        for (const part of parts) await sink.write([part.subarray(0, 5), part.subarray(5)]);
        await sink.commit({});
        const [start, end] = [from % whole.byteLength, to % whole.byteLength].sort((a, b) => a - b) as [number, number];
        assert.deepEqual(await contentOf(await storage.open(key, { start, end })), whole.subarray(start, end + 1));
      });
      await fc.assert(property, { numRuns: 40 });
    });

    test('a large blob comes back in bounded chunks', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const bytes = randomBytes(1_500_001);
      await put(storage, 'files/A', bytes);
      const hash = createHash('sha256');
      for await (const chunk of await storage.open('files/A')) hash.update(chunk);
      assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
      const range = { start: 262_143, end: 1_400_000 };
      assert.ok((await contentOf(await storage.open('files/A', range))).equals(bytes.subarray(262_143, 1_400_001)));
    });

    test('memory given to write may be reused once it has resolved', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sink = await storage.create('files/A');
      const buffer = text('first');
      await sink.write([buffer]);
      buffer.fill('x');
      await sink.commit({});
      assert.equal((await contentOf(await storage.open('files/A'))).toString(), 'first');
    });

    test('nobody sees a blob before its commit, nor anything of an aborted one', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sink = await storage.create('files/A');
      await sink.write([text('abc')]);
      assert.equal(await storage.stat('files/A'), undefined);
      assert.deepEqual(await keysOf(storage, 'files/'), []);
      await assert.rejects(storage.open('files/A'), { code: 'not_found' });
      await sink.abort();
      await sink.abort();
      assert.equal(await storage.stat('files/A'), undefined);
    });

    test('an abort after the commit changes nothing', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sink = await storage.create('files/A');
      await sink.write([text('abc')]);
      await sink.commit({});
      await sink.abort();
      assert.equal((await contentOf(await storage.open('files/A'))).toString(), 'abc');
    });

    test('a blob may be meta alone, and is still readable, by path, too', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sink = await storage.create('jobs/A');
      await sink.commit({ status: 'done' });
      assert.deepEqual(await storage.stat('jobs/A'), { key: 'jobs/A', size: 0, meta: { status: 'done' } });
      assert.equal((await contentOf(await storage.open('jobs/A'))).byteLength, 0);
      const held = await storage.materialize('jobs/A');
      assert.equal((await readFile(held.path)).byteLength, 0);
      await held.release();
      assert.equal((await storage.stat('jobs/A'))?.size, 0);
    });

    test('a key is taken once: the second commit is a conflict and leaves the first as it is', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sinks = await Promise.all([storage.create('files/A'), storage.create('files/A')]);
      await Promise.all(sinks.map((sink, index) => sink.write([text(`content ${index}`)])));
      const results = await Promise.allSettled(sinks.map((sink, index) => sink.commit({ index })));
      const winner = results.findIndex(({ status }) => status === 'fulfilled');
      const loser = results[1 - winner];
      assert.ok(loser?.status === 'rejected');
      assert.equal(loser.reason.code, 'conflict');
      await assert.rejects(put(storage, 'files/A', 'later'), { code: 'conflict' });
      assert.equal((await storage.stat('files/A'))?.meta.index, winner);
      assert.equal((await contentOf(await storage.open('files/A'))).toString(), `content ${winner}`);
    });

    test('many commits into one folder at once all succeed', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const names = Array.from({ length: 50 }, (_, index) => `results/J${index % 5}/pages/${index}`);
      await Promise.all(names.map((key) => put(storage, key, key)));
      assert.deepEqual(await keysOf(storage, 'results/'), names.toSorted());
    });

    test('delete is idempotent, and frees the key', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      await put(storage, 'results/J/pages/1', 'a');
      await storage.delete('results/J/pages/1');
      await storage.delete('results/J/pages/1');
      assert.equal(await storage.stat('results/J/pages/1'), undefined);
      assert.deepEqual(await keysOf(storage, 'results/'), []);
      await put(storage, 'results/J/pages/1', 'b');
      assert.equal((await contentOf(await storage.open('results/J/pages/1'))).toString(), 'b');
    });

    test('who reads while it is deleted gets all of it', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const bytes = randomBytes(1_000_000);
      await put(storage, 'files/A', bytes);
      const received: Uint8Array[] = [];
      for await (const chunk of await storage.open('files/A')) {
        if (received.length === 0) await storage.delete('files/A');
        received.push(chunk);
      }
      assert.ok(Buffer.concat(received).equals(bytes));
    });

    test('a path stays readable until its last holder lets go, even if the blob is deleted', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      await put(storage, 'files/A', 'abc');
      const [first, second] = [await storage.materialize('files/A'), await storage.materialize('files/A')];
      await storage.delete('files/A');
      assert.equal(await storage.stat('files/A'), undefined);
      await assert.rejects(storage.materialize('files/A'), { code: 'not_found' });
      await first.release();
      await first.release();
      assert.equal(await readFile(second.path, 'utf8'), 'abc');
      await second.release();
      await assert.rejects(readFile(second.path), { code: 'ENOENT' });
    });

    test('what was committed in haste can be made durable, and is as it was', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      for (const key of ['results/A/pages/1', 'results/A/pages/2', 'results/B/pages/1']) {
        const sink = await storage.create(key, { durable: false });
        await sink.write([Buffer.from(key)]);
        await sink.commit({ key });
      }
      await storage.sync('results/A/');
      await storage.sync('results/none/');
      assert.equal(String(await contentOf(await storage.open('results/A/pages/2'))), 'results/A/pages/2');
    });

    test('lists keys in order, in part, after a key and backwards', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      for (const key of ['files/B', 'files/C', 'files/A', 'jobs/Z', 'files/D-1', 'files/D/2'])
        await put(storage, key, key);
      assert.deepEqual(await keysOf(storage, 'files/'), ['files/A', 'files/B', 'files/C', 'files/D-1', 'files/D/2']);
      assert.deepEqual(await keysOf(storage, 'files/', { after: 'files/B', limit: 2 }), ['files/C', 'files/D-1']);
      assert.deepEqual(await keysOf(storage, 'files/', { isReversed: true, limit: 2 }), ['files/D/2', 'files/D-1']);
      assert.deepEqual(await keysOf(storage, 'files/', { isReversed: true, after: 'files/B' }), ['files/A']);
      const isWanted = (key: string) => key.includes('D');
      assert.deepEqual(await keysOf(storage, 'files/', { isWanted, limit: 1, isReversed: true }), ['files/D/2']);
      assert.deepEqual(await keysOf(storage, 'none/'), []);
    });

    test('refuses keys that are not ours', async () => {
      await using subject = await createSubject();
      const bad = [
        'files',
        'files/',
        '/files/A',
        'files/../A',
        'files/a.json',
        'files//A',
        'files/A b',
        `files/${'A'.repeat(300)}`,
      ];
      for (const key of bad) {
        await assert.rejects(subject.storage.create(key), /not a storage key/, key);
        await assert.rejects(subject.storage.stat(key), /not a storage key/, key);
      }
    });
  });
}

/** What every storage must do with blobs that are meta alone. */
export function notesContract(name: string, createSubject: () => Promise<StorageSubject>): void {
  const note = async (storage: Storage, key: string, meta: Meta = {}, durable = true) =>
    await (await storage.create(key, { durable })).commit(meta);

  suite(`storage contract, blobs without bytes: ${name}`, () => {
    test('gives back what was committed, durably or not, and what was made durable', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const meta = { text: 'ü\n\0', nested: { list: [1, null] } };
      for (const [key, durable] of [
        ['jobs/A', true],
        ['jobs/B', false],
      ] as const) {
        assert.deepEqual(await note(storage, key, meta, durable), { key, size: 0, meta });
        assert.deepEqual(await storage.stat(key), { key, size: 0, meta });
      }
      await storage.sync('jobs/');
      assert.deepEqual(await storage.stat('jobs/B'), { key: 'jobs/B', size: 0, meta });
      assert.equal(await storage.stat('jobs/C'), undefined);
    });

    test('a key is taken once, and is free again when it was deleted', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const outcomes = await Promise.allSettled([1, 2, 3].map((n) => note(storage, 'jobs/A', { n })));
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected']);
      await assert.rejects(note(storage, 'jobs/A', { n: 4 }), { code: 'conflict' });
      await storage.delete('jobs/A');
      await storage.delete('jobs/A');
      assert.equal(await storage.stat('jobs/A'), undefined);
      await note(storage, 'jobs/A', { n: 5 });
      assert.deepEqual((await storage.stat('jobs/A'))?.meta, { n: 5 });
    });

    test('nothing is seen before its commit, nor of an aborted one', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      const sink = await storage.create('jobs/A');
      assert.equal(await storage.stat('jobs/A'), undefined);
      await sink.abort();
      await assert.rejects(sink.commit({}));
      assert.deepEqual(await keysOf(storage, 'jobs/'), []);
    });

    test('lists in order, in part, after a key and backwards', async () => {
      await using subject = await createSubject();
      const { storage } = subject;
      for (const id of ['C', 'A', 'B', 'D']) await note(storage, `jobs/${id}`);
      await note(storage, 'other/A');
      assert.deepEqual(await keysOf(storage, 'jobs/'), ['jobs/A', 'jobs/B', 'jobs/C', 'jobs/D']);
      assert.deepEqual(await keysOf(storage, 'jobs/', { after: 'jobs/B', limit: 1 }), ['jobs/C']);
      assert.deepEqual(await keysOf(storage, 'jobs/', { after: 'jobs/C', isReversed: true }), ['jobs/B', 'jobs/A']);
      assert.deepEqual(await keysOf(storage, 'jobs/', { isWanted: (key) => key.endsWith('D') }), ['jobs/D']);
    });
  });
}
