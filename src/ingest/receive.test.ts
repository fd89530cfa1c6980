import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../core/errors.ts';
import { createIdSource } from '../core/ids.ts';
import { createLog } from '../core/log.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import type { Sink, Storage } from '../storage/storage.ts';
import type { ByteSource } from './byte-source.ts';
import { createFiles } from './files.ts';
import { createIngest, type Ingest, type ReceiveOptions } from './receive.ts';

const log = createLog({ level: 'silent', format: 'json' });
const never = new AbortController().signal;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

interface Subject extends AsyncDisposable {
  readonly ingest: Ingest;
  readonly storage: Storage;
  readonly stored: string[];
  receive(source: ByteSource, options?: Partial<ReceiveOptions>): ReturnType<Ingest['receive']>;
}

function createSubject(storage: Storage, channelBytes = 1000): Subject {
  const stored: string[] = [];
  const onStored = ({ id }: { id: string }) => void stored.push(id);
  const ingest = createIngest({ storage, newId: createIdSource(), channelBytes, log, onStored });
  return {
    ingest,
    storage,
    stored,
    receive: (source, options) => ingest.receive(source, { name: 'x', maxBytes: 1e9, signal: never, ...options }),
    [Symbol.asyncDispose]: () => ingest.close(),
  };
}

function sourceOf(chunks: Iterable<Uint8Array>, onEnd?: () => Promise<never>): ByteSource {
  const iterator = chunks[Symbol.iterator]();
  return {
    async next(signal) {
      signal?.throwIfAborted();
      const { value } = iterator.next();
      return value ?? (await onEnd?.());
    },
  };
}

/** A sender that falls silent after its chunks; waits as a socket does, until the signal. */
function silentAfter(chunks: Uint8Array[]): ByteSource & { readonly silent: Promise<void> } {
  const silent = Promise.withResolvers<void>();
  const rest = [...chunks];
  return {
    silent: silent.promise,
    next(signal) {
      const chunk = rest.shift();
      if (chunk) return Promise.resolve(chunk);
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        silent.resolve();
      });
    },
  };
}

/** Storage whose sinks do what the test says instead of one of their steps; `aborted` counts those that were freed. */
function createFaultyStorage(faults: Partial<Pick<Sink, 'write' | 'commit'>>) {
  const memory = createMemoryStorage();
  const count = { aborted: 0 };
  const create: Storage['create'] = async (key, options) => {
    const sink = await memory.create(key, options);
    const abort = () => {
      count.aborted += 1;
      return sink.abort();
    };
    return { write: (chunks) => sink.write(chunks), commit: (meta) => sink.commit(meta), ...faults, abort };
  };
  return { ...memory, create, count };
}

async function isEmpty(storage: Storage): Promise<boolean> {
  return (await Array.fromAsync(storage.list('files/'))).length === 0;
}

suite('receiving a file', () => {
  test('any chunks become the file that they are parts of', async () => {
    await using subject = createSubject(createMemoryStorage(), 50);
    const chunks = fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 30 });
    const property = fc.asyncProperty(chunks, fc.boolean(), async (parts, isDeclared) => {
      const whole = Buffer.concat(parts);
      const file = await subject.receive(sourceOf(parts), { declaredBytes: isDeclared ? whole.byteLength : undefined });
      assert.equal(file.size, whole.byteLength);
      assert.equal(file.sha256, sha256(whole));
      const stored = Buffer.concat(await Array.fromAsync(await subject.storage.open(`files/${file.id}`)));
      assert.ok(stored.equals(whole));
      assert.equal(subject.stored.at(-1), file.id);
    });
    await fc.assert(property, { numRuns: 100 });
    assert.equal(subject.ingest.bufferedBytes(), 0);
  });

  test('what is told of a file is what is kept with it', async () => {
    await using subject = createSubject(createMemoryStorage());
    const options = { name: '../a/report.pdf', declaredType: 'text/plain' };
    const file = await subject.receive(sourceOf([Buffer.from('%PDF-1.7')]), options);
    assert.deepEqual(
      { ...file, id: '', createdAt: '' },
      {
        id: '',
        name: 'report.pdf',
        size: 8,
        sha256: sha256(Buffer.from('%PDF-1.7')),
        mediaType: 'application/pdf',
        createdAt: '',
      },
    );
    assert.deepEqual(await (await createFiles(subject)).get(file.id), file);
  });

  test('the network and the disk are waited for at the same time', async () => {
    const firstWrite = Promise.withResolvers<void>();
    const storage = createFaultyStorage({ write: () => firstWrite.promise });
    await using subject = createSubject(storage);
    const chunk = Buffer.alloc(300);
    let asked = 0;
    const source: ByteSource = {
      async next() {
        asked += 1;
        // The third chunk is fetched while the first one still is being written.
        if (asked === 3) firstWrite.resolve();
        return asked > 5 ? undefined : chunk;
      },
    };
    await subject.receive(source);
    assert.equal(asked, 6);
  });

  test('a chunk is given back once, after it was written and hashed', async () => {
    await using subject = createSubject(createMemoryStorage());
    const chunks = Array.from({ length: 20 }, (_, index) => Buffer.alloc(200, index));
    const whole = Buffer.concat(chunks);
    const recycled: Uint8Array[] = [];
    const recycle = (chunk: Uint8Array) => {
      recycled.push(chunk);
      chunk.fill(255);
    };
    const file = await subject.receive({ ...sourceOf(chunks), recycle });
    assert.equal(file.sha256, sha256(whole));
    assert.deepEqual(recycled, chunks);
    const stored = await Array.fromAsync(await subject.storage.open(`files/${file.id}`));
    assert.ok(Buffer.concat(stored).equals(whole));
  });

  test('a slow disk holds the source back at the size of the channel', async () => {
    const writing = Promise.withResolvers<void>();
    const disk = Promise.withResolvers<void>();
    const write = () => {
      writing.resolve();
      return disk.promise;
    };
    await using subject = createSubject(createFaultyStorage({ write }), 2000);
    let asked = 0;
    const source: ByteSource = { next: async () => (asked++ < 100 ? Buffer.alloc(244) : undefined) };
    const receiving = subject.receive(source);
    await writing.promise;
    await new Promise(setImmediate);
    assert.ok(asked <= 10, `${asked} chunks of 244 bytes went into 2000`);
    assert.ok(subject.ingest.bufferedBytes() <= 2000);
    disk.resolve();
    assert.equal((await receiving).size, 24_400);
  });
});

suite('receiving what is not a file', () => {
  const refusals: readonly [what: string, bytes: number, options: Partial<ReceiveOptions>, code: string][] = [
    ['one byte too long', 11, { maxBytes: 10 }, 'too_large'],
    ['declared too long', 0, { maxBytes: 10, declaredBytes: 11 }, 'too_large'],
    ['shorter than declared', 9, { declaredBytes: 10 }, 'bad_request'],
    ['longer than declared', 11, { declaredBytes: 10 }, 'bad_request'],
    [
      'other than its digest',
      10,
      { expectedDigests: [{ algorithm: 'sha-256', bytes: new Uint8Array(32) }] },
      'digest_mismatch',
    ],
    [
      'other than its checksum',
      10,
      { expectedDigests: [{ algorithm: 'md5', bytes: new Uint8Array(16) }] },
      'checksum_mismatch',
    ],
  ];
  for (const [what, bytes, options, code] of refusals) {
    test(`${what} is ${code}, and nothing is kept`, async () => {
      const storage = createFaultyStorage({});
      await using subject = createSubject(storage);
      await assert.rejects(subject.receive(sourceOf([Buffer.alloc(bytes)]), options), { name: 'AppError', code });
      assert.ok(await isEmpty(storage));
      assert.deepEqual(subject.stored, []);
    });
  }

  test('digests that are right are accepted, by either name', async () => {
    await using subject = createSubject(createMemoryStorage());
    const bytes = Buffer.from('abc');
    const expectedDigests = [
      { algorithm: 'sha-512', bytes: createHash('sha512').update(bytes).digest() },
      { algorithm: 'sha1', bytes: createHash('sha1').update(bytes).digest() },
    ] as const;
    assert.equal((await subject.receive(sourceOf([bytes]), { expectedDigests })).size, 3);
  });

  test('a source that fails gives its own error, after both sides have stopped', async () => {
    const storage = createFaultyStorage({});
    await using subject = createSubject(storage);
    const gone = new AppError('client_gone', 'the client is gone');
    await assert.rejects(subject.receive(sourceOf([Buffer.alloc(5)], () => Promise.reject(gone))), gone);
    assert.equal(storage.count.aborted, 1);
    assert.ok(await isEmpty(storage));
  });

  test('an abort ends a wait for a silent sender, with its reason', async () => {
    const storage = createFaultyStorage({});
    await using subject = createSubject(storage);
    const controller = new AbortController();
    const source = silentAfter([Buffer.alloc(5)]);
    const receiving = subject.receive(source, { signal: controller.signal });
    await source.silent;
    const reason = new AppError('draining', 'the server stops');
    controller.abort(reason);
    await assert.rejects(receiving, reason);
    assert.equal(storage.count.aborted, 1);
    await assert.rejects(subject.receive(source, { signal: controller.signal }), reason);
  });

  test('a disk that fails stops the reader in the middle of its wait', async () => {
    const full = new AppError('storage_full', 'the disk is full');
    const storage = createFaultyStorage({ write: () => Promise.reject(full) });
    await using subject = createSubject(storage);
    await assert.rejects(subject.receive(silentAfter([Buffer.alloc(8192)])), full);
    assert.equal(storage.count.aborted, 1);
  });

  test('a disk that fails wakes a reader that waits for room', async () => {
    const disk = Promise.withResolvers<void>();
    const storage = createFaultyStorage({ write: () => disk.promise });
    await using subject = createSubject(storage, 300);
    const receiving = subject.receive(sourceOf(Array.from({ length: 10 }, () => Buffer.alloc(100))));
    await new Promise(setImmediate);
    disk.reject(Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' }));
    await assert.rejects(receiving, { name: 'AppError', code: 'internal' });
  });

  test('a commit that fails is the answer, and tells no one of a file', async () => {
    const storage = createFaultyStorage({ commit: () => Promise.reject(new AppError('storage_full', 'full')) });
    await using subject = createSubject(storage);
    await assert.rejects(subject.receive(sourceOf([Buffer.alloc(5)])), { code: 'storage_full' });
    assert.deepEqual(subject.stored, []);
  });

  test('who is gone after the last byte leaves nothing behind', async () => {
    const controller = new AbortController();
    const write = async () => controller.abort(new AppError('client_gone', 'the client is gone'));
    await using subject = createSubject(createFaultyStorage({ write }));
    await assert.rejects(subject.receive(sourceOf([Buffer.alloc(5)]), { signal: controller.signal }), {
      code: 'client_gone',
    });
    assert.ok(await isEmpty(subject.storage));
  });
});
