import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { suite, test } from 'node:test';
import { sourceOf } from '../../test/fixtures/byte-sources.ts';
import { createStoreBench, type StoreBench } from '../../test/fixtures/upload-stores.ts';
import { AppError } from '../core/errors.ts';
import { type ByteSource, createByteSource } from './byte-source.ts';
import type { ExpectedDigest } from './digest-check.ts';
import { planTusAppend, planTusCreation } from './tus.ts';
import type { UploadWork } from './upload-finish.ts';
import type { UploadStatus, UploadStore } from './uploads.ts';

const NEVER = new AbortController().signal;
const MAX = 100 * 2 ** 20;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const md5 = (bytes: Uint8Array): ExpectedDigest => ({
  algorithm: 'md5',
  bytes: createHash('md5').update(bytes).digest(),
});

function create(store: UploadStore, length: number | undefined, rest: { concat?: string; metadata?: string } = {}) {
  const headers = {
    uploadLength: length?.toString(),
    uploadDeferLength: length === undefined && !rest.concat?.startsWith('final') ? '1' : undefined,
    uploadConcat: rest.concat,
    uploadMetadata: rest.metadata,
    reprDigest: undefined,
  };
  return store.create(planTusCreation(headers, { caller: 'me', maxBytes: MAX }), NEVER);
}

interface Patch {
  readonly expected?: readonly ExpectedDigest[];
  readonly uploadLength?: string;
  readonly mode?: 'refuse' | 'take_over';
}

function patch(store: UploadStore, id: string, at: number, body: Uint8Array[] | ByteSource, options: Patch = {}) {
  const { expected = [], mode = 'refuse', uploadLength } = options;
  const headers = { uploadOffset: `${at}`, uploadLength, contentLength: undefined };
  const source = Array.isArray(body) ? sourceOf(body) : body;
  return store.append(id, { source, expected, mode, plan: (upload) => planTusAppend(upload, headers, MAX) });
}

/** A body whose client is lost, or silent, after these chunks. */
function cutAfter(chunks: Uint8Array[], how: 'lost' | 'silent'): { source: ByteSource; allTaken: Promise<void> } {
  const rest = [...chunks];
  const allTaken = Promise.withResolvers<void>();
  const source = createByteSource(async (signal) => {
    const chunk = rest.shift();
    if (chunk) return chunk;
    allTaken.resolve();
    if (how === 'lost') throw new AppError('client_gone', 'the client closed the connection');
    return await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  });
  return { source, allTaken: allTaken.promise };
}

async function contentOf({ storage }: StoreBench, { file }: UploadStatus): Promise<Buffer> {
  assert.ok(file, 'the upload is a file');
  return Buffer.concat(await Array.fromAsync(await storage.open(`files/${file.id}`)));
}

for (const kind of ['disk', 'memory'] as const) {
  suite(`upload store on ${kind}`, () => {
    test('many appends become one file with the digest of all, its name and its type', async () => {
      await using bench = await createStoreBench(kind);
      const bytes = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(3 * 2 ** 20)]);
      let upload = await create(bench.store, bytes.length, { metadata: 'filename YS5wZGY=' });
      for (let at = 0; at < bytes.length; at += 700_000) {
        assert.equal(upload.file, undefined);
        upload = await patch(bench.store, upload.id, at, [bytes.subarray(at, at + 700_000)]);
      }
      assert.deepEqual([upload.file?.sha256, upload.file?.name], [sha256(bytes), 'a.pdf']);
      assert.equal(upload.file?.mediaType, 'application/pdf');
      assert.deepEqual(await contentOf(bench, upload), bytes);
      assert.deepEqual((await bench.store.status(upload.id, 'look')).file, upload.file);
      assert.equal(bench.stored.length, 1);
    });

    test('an empty upload is a file at once', async () => {
      await using bench = await createStoreBench(kind);
      const upload = await create(bench.store, 0);
      assert.deepEqual([upload.file?.size, upload.file?.sha256], [0, sha256(Buffer.alloc(0))]);
      assert.equal((await bench.store.status(upload.id, 'look')).file?.size, 0);
    });

    test('what came before the client was lost stays', async () => {
      await using bench = await createStoreBench(kind);
      const { id } = await create(bench.store, 10);
      await assert.rejects(patch(bench.store, id, 0, cutAfter([Buffer.from('abc')], 'lost').source), {
        code: 'client_gone',
      });
      assert.equal((await bench.store.status(id, 'look')).offset, 3);
      const done = await patch(bench.store, id, 3, [Buffer.from('defghij')]);
      assert.equal((await contentOf(bench, done)).toString(), 'abcdefghij');
    });

    test('a deferred length is learnt from a later append', async () => {
      await using bench = await createStoreBench(kind);
      const { id } = await create(bench.store, undefined);
      const first = await patch(bench.store, id, 0, [Buffer.from('abc')]);
      assert.deepEqual([first.offset, first.length, first.file], [3, undefined, undefined]);
      const done = await patch(bench.store, id, 3, [Buffer.from('d')], { uploadLength: '4' });
      assert.equal(done.file?.size, 4);
    });

    test('a chunk with a wrong checksum leaves no trace, one with the right one stays', async () => {
      await using bench = await createStoreBench(kind);
      const { id } = await create(bench.store, 6);
      await patch(bench.store, id, 0, [Buffer.from('abc')], { expected: [md5(Buffer.from('abc'))] });
      const wrong = patch(bench.store, id, 3, [Buffer.from('xyz')], { expected: [md5(Buffer.from('def'))] });
      await assert.rejects(wrong, { code: 'checksum_mismatch' });
      assert.equal((await bench.store.status(id, 'look')).offset, 3);
      const lost = cutAfter([Buffer.from('de')], 'lost').source;
      await assert.rejects(patch(bench.store, id, 3, lost, { expected: [md5(Buffer.from('def'))] }), {
        code: 'client_gone',
      });
      assert.equal((await bench.store.status(id, 'look')).offset, 3);
      const done = await patch(bench.store, id, 3, [Buffer.from('def')], { expected: [md5(Buffer.from('def'))] });
      assert.deepEqual([done.file?.sha256, done.file?.size], [sha256(Buffer.from('abcdef')), 6]);
    });

    test('a body longer than announced is taken back as a whole', async () => {
      await using bench = await createStoreBench(kind);
      const { id } = await create(bench.store, 5);
      await patch(bench.store, id, 0, [Buffer.from('ab')]);
      await assert.rejects(patch(bench.store, id, 2, [Buffer.from('cd'), Buffer.from('ef')]), { code: 'too_large' });
      assert.equal((await bench.store.status(id, 'look')).offset, 2);
    });

    test('a second append is refused while the first gets bytes, and a look disturbs neither', async () => {
      await using bench = await createStoreBench(kind);
      const { id } = await create(bench.store, 4);
      const { source, allTaken } = cutAfter([Buffer.from('ab')], 'silent');
      const first = assert.rejects(patch(bench.store, id, 0, source), { code: 'locked' });
      await allTaken;
      await assert.rejects(patch(bench.store, id, 0, [Buffer.from('x')]), { code: 'locked' });
      assert.equal((await bench.store.status(id, 'look')).length, 4);
      const after = await bench.store.status(id, 'take_over');
      await first;
      assert.equal(after.offset, 2);
      assert.equal((await patch(bench.store, id, 2, [Buffer.from('cd')])).file?.size, 4);
    });

    test('a removal stops the sender and leaves nothing', async () => {
      await using bench = await createStoreBench(kind);
      const { id } = await create(bench.store, 4);
      const { source, allTaken } = cutAfter([Buffer.from('ab')], 'silent');
      const first = assert.rejects(patch(bench.store, id, 0, source), { code: 'gone' });
      await allTaken;
      await bench.store.remove(id);
      await first;
      await assert.rejects(bench.store.status(id, 'look'), { code: 'not_found' });
      await assert.rejects(bench.store.remove(id), { code: 'not_found' });
      assert.deepEqual(await Array.fromAsync(bench.storage.growing.list()), []);
    });

    test('partial uploads are joined in the order asked for, not before all are complete', async () => {
      await using bench = await createStoreBench(kind);
      const parts = [randomBytes(1_500_000), randomBytes(10), randomBytes(700_000)];
      const ids: string[] = [];
      for (const part of parts) ids.push((await create(bench.store, part.length, { concat: 'partial' })).id);
      const final = { concat: `final;${ids.map((id) => `/v1/uploads/${id}`).join(' ')}` };
      for (const [index, part] of parts.entries()) {
        await assert.rejects(create(bench.store, undefined, final), { code: 'conflict' });
        const whole = await patch(bench.store, ids[index] ?? '', 0, [part]);
        assert.equal(whole.file, undefined);
      }
      const joined = await create(bench.store, undefined, final);
      assert.equal(joined.file?.sha256, sha256(Buffer.concat(parts)));
      assert.deepEqual(await contentOf(bench, joined), Buffer.concat(parts));
      await assert.rejects(patch(bench.store, joined.id, joined.offset, []), { code: 'forbidden' });
      const whole = await create(bench.store, 1);
      await assert.rejects(create(bench.store, undefined, { concat: `final;/v1/uploads/${whole.id}` }), {
        code: 'bad_request',
      });
    });

    test('one caller has at most so many open uploads; finished and removed ones do not count', async () => {
      await using bench = await createStoreBench(kind, { maxOpenPerCaller: 2 });
      const first = await create(bench.store, 1);
      const second = await create(bench.store, 1);
      await assert.rejects(create(bench.store, 1), { code: 'too_many_uploads' });
      await patch(bench.store, first.id, 0, [Buffer.from('x')]);
      await create(bench.store, 1);
      await assert.rejects(create(bench.store, 1), { code: 'too_many_uploads' });
      await bench.store.remove(second.id);
      await create(bench.store, 1);
    });

    test('parts do not stand in the way of the upload that joins them, and then do not count any more', async () => {
      await using bench = await createStoreBench(kind, { maxOpenPerCaller: 3 });
      const ids = [];
      for (const part of ['ab', 'c', 'd']) {
        const { id } = await create(bench.store, part.length, { concat: 'partial' });
        await patch(bench.store, id, 0, [Buffer.from(part)]);
        ids.push(id);
      }
      await create(bench.store, undefined, { concat: `final;${ids.map((id) => `/v1/uploads/${id}`).join(' ')}` });
      for (let count = 0; count < 3; count++) await create(bench.store, 1);
      await assert.rejects(create(bench.store, 1), { code: 'too_many_uploads' });
    });

    test('what is undone takes its file along, unless its work has begun', async () => {
      let isFull = true;
      const start = async () => {
        if (isFull) throw new AppError('queue_full', 'full', { retryAfterS: 1 });
      };
      await using bench = await createStoreBench(kind, { work: { check: () => undefined, start } });
      const files = async () => (await Array.fromAsync(bench.storage.list('files/'))).length;
      const joined = await create(bench.store, 1, { concat: 'partial' });
      await patch(bench.store, joined.id, 0, [Buffer.from('x')]);
      const final = { metadata: 'task cGRm', concat: `final;/v1/uploads/${joined.id}` };
      await assert.rejects(create(bench.store, undefined, final), { code: 'queue_full' });
      const { id } = await create(bench.store, 1, { metadata: 'task cGRm' });
      await assert.rejects(patch(bench.store, id, 0, [Buffer.from('x')]), { code: 'queue_full' });
      assert.deepEqual([bench.stored.length, await files()], [2, 1]);
      await bench.store.undo(id);
      await bench.store.undo(id);
      assert.deepEqual([await files(), (await Array.fromAsync(bench.storage.growing.list())).length], [0, 1]);
      isFull = false;
      const begun = await create(bench.store, undefined, final);
      await bench.store.undo(begun.id);
      assert.equal(await files(), 1);
    });

    test('an expired upload is gone', async () => {
      await using bench = await createStoreBench(kind);
      const { id } = await create(bench.store, 4);
      const later = await bench.restart({ retentionS: 0 });
      await assert.rejects(later.store.status(id, 'look'), (error: AppError) =>
        ['gone', 'not_found'].includes(error.code),
      );
      await assert.rejects(patch(later.store, id, 0, []), (error: AppError) =>
        ['gone', 'not_found'].includes(error.code),
      );
    });

    test('work starts when the last byte is stored; while it cannot, the upload waits for it', async () => {
      let isFull = true;
      const calls: string[] = [];
      const ids = new Set<string>();
      const work: UploadWork = {
        check: () => undefined,
        async start({ jobId, file, metadata, caller }) {
          ids.add(jobId);
          if (isFull) throw new AppError('queue_full', 'full', { retryAfterS: 1 });
          calls.push(`${file.name} ${metadata.get('task')} ${caller}`);
        },
      };
      await using bench = await createStoreBench(kind, { work });
      const { id } = await create(bench.store, 1, { metadata: 'task cGRm,name bg==' });
      await assert.rejects(patch(bench.store, id, 0, [Buffer.from('x')]), { code: 'queue_full' });
      const waiting = await bench.store.status(id, 'look');
      assert.deepEqual([waiting.offset, waiting.file?.size, waiting.jobId], [1, 1, undefined]);
      await assert.rejects(patch(bench.store, id, 1, []), { code: 'queue_full' });
      isFull = false;
      assert.deepEqual([(await patch(bench.store, id, 1, [])).jobId], [...ids]);
      assert.deepEqual([(await bench.store.status(id, 'look')).jobId], [...ids]);
      assert.deepEqual([(await bench.store.status(id, 'look')).jobId], [...ids]);
      assert.deepEqual(calls, ['n pdf me']);
      assert.equal(bench.stored.length, 1);
    });

    test('work that the content is not fit for leaves neither upload nor file', async () => {
      const work = {
        check: () => undefined,
        start: () => Promise.reject(new AppError('unsupported_media_type', 'no')),
      };
      await using bench = await createStoreBench(kind, { work });
      const { id } = await create(bench.store, 1, { metadata: 'task cGRm' });
      await assert.rejects(patch(bench.store, id, 0, [Buffer.from('x')]), { code: 'unsupported_media_type' });
      await assert.rejects(bench.store.status(id, 'look'), { code: 'not_found' });
      assert.deepEqual(await Array.fromAsync(bench.storage.list('files/')), []);
    });
  });
}

suite('upload store after a kill', () => {
  test('the offset is what is on disk, and the digest of the whole is right', async () => {
    await using bench = await createStoreBench('disk');
    const bytes = randomBytes(5 * 2 ** 20);
    const { id } = await create(bench.store, bytes.length);
    await patch(bench.store, id, 0, [bytes.subarray(0, 2_000_000)]);
    const { source, allTaken } = cutAfter([bytes.subarray(2_000_000, 2_500_000)], 'silent');
    const running = assert.rejects(patch(bench.store, id, 2_000_000, source));
    await allTaken;
    const again = await bench.restart();
    const { offset } = await again.store.status(id, 'look');
    assert.ok(offset >= 2_000_000 && offset <= 2_500_000);
    await bench.store.status(id, 'take_over');
    await running;
    const { offset: at } = await again.store.status(id, 'look');
    const done = await patch(again.store, id, at, [bytes.subarray(at)]);
    assert.equal(done.file?.sha256, sha256(bytes));
  });

  test('bytes whose checksum was not reached are not told', async () => {
    await using bench = await createStoreBench('disk');
    const { id } = await create(bench.store, 6);
    await patch(bench.store, id, 0, [Buffer.from('abc')]);
    const { source, allTaken } = cutAfter([Buffer.from('de')], 'silent');
    const running = assert.rejects(patch(bench.store, id, 3, source, { expected: [md5(Buffer.from('def'))] }));
    await allTaken;
    const again = await bench.restart();
    assert.equal((await again.store.status(id, 'look')).offset, 3);
    await bench.store.remove(id);
    await running;
  });

  test('an upload whose bytes are all there is finished, however far it had got', async () => {
    await using bench = await createStoreBench('disk');
    const { id } = await create(bench.store, 3);
    const growing = await bench.storage.growing.open(id);
    await growing.append([Buffer.from('abc')]);
    await growing.close();
    const again = await bench.restart();
    assert.equal((await again.store.status(id, 'look')).file?.sha256, sha256(Buffer.from('abc')));
  });

  test('a half joined upload goes at the start, its parts stay', async () => {
    await using bench = await createStoreBench('disk');
    const part = await create(bench.store, 3, { concat: 'partial' });
    const final = { caller: 'me', protocol: 'tus', metadata: '', length: 3, concat: [part.id] };
    await bench.storage.growing.create('01ARZ3NDEKTSV4RRFFQ69G5FAV', { note: final, expectedBytes: 3 });
    const again = await bench.restart();
    assert.deepEqual(await Array.fromAsync(again.storage.growing.list()), [part.id]);
  });
});
