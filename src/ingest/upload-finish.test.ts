import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sourceOf } from '../../test/fixtures/byte-sources.ts';
import { createStoreBench } from '../../test/fixtures/upload-stores.ts';
import { AppError } from '../core/errors.ts';
import { planTusAppend, planTusCreation } from './tus.ts';
import type { UploadWork } from './upload-finish.ts';
import type { UploadStore } from './uploads.ts';

const NEVER = new AbortController().signal;
const HEADERS = { uploadLength: '1', uploadDeferLength: undefined, uploadConcat: undefined, reprDigest: undefined };

function create(store: UploadStore) {
  const headers = { ...HEADERS, uploadMetadata: 'task cGRm' };
  return store.create(planTusCreation(headers, { caller: 'me', maxBytes: 10 }), NEVER);
}

function fill(store: UploadStore, id: string) {
  const headers = { uploadOffset: '0', uploadLength: undefined, contentLength: undefined };
  const plan = (upload: Parameters<typeof planTusAppend>[0]) => planTusAppend(upload, headers, 10);
  return store.append(id, { source: sourceOf([Buffer.from('x')]), expected: [], mode: 'refuse', plan });
}

suite('the work of a whole upload', () => {
  test('is asked for under the same id after a kill, wherever that came', async () => {
    const asked: string[] = [];
    const reached = Promise.withResolvers<void>();
    const killed: UploadWork = {
      check: () => undefined,
      start({ jobId }) {
        asked.push(jobId);
        reached.resolve();
        return new Promise(() => undefined);
      },
    };
    await using bench = await createStoreBench('disk', { work: killed });
    const { id } = await create(bench.store);
    void fill(bench.store, id);
    await reached.promise;
    const start: UploadWork['start'] = async ({ jobId }) => void asked.push(jobId);
    const again = await bench.restart({ work: { check: () => undefined, start } });
    const status = await again.store.status(id, 'take_over');
    assert.deepEqual([asked.length, new Set(asked).size, status.jobId], [2, 1, asked[0]]);
  });

  test('is asked for under the same id when it was started and that could not be noted', async () => {
    const asked: string[] = [];
    await using bench = await createStoreBench('memory', {
      work: {
        check: () => undefined,
        async start({ jobId }) {
          asked.push(jobId);
          if (asked.length > 1) return;
          const { growing } = bench.storage;
          const { update } = growing;
          growing.update = async () => {
            growing.update = update;
            throw new AppError('storage_full', 'no room');
          };
        },
      },
    });
    const { id } = await create(bench.store);
    const filled = await fill(bench.store, id);
    assert.equal(filled.jobId, asked[0]);
    const status = await bench.store.status(id, 'look');
    assert.deepEqual([asked.length, new Set(asked).size, status.jobId], [2, 1, asked[0]]);
  });
});

suite('the limit of open uploads', () => {
  test('holds under creations at once, and a failed one does not count', async () => {
    await using bench = await createStoreBench('disk', { maxOpenPerCaller: 5 });
    const tooLong = planTusCreation(
      { ...HEADERS, uploadLength: '9', uploadMetadata: '' },
      { caller: 'me', maxBytes: 10 },
    );
    await assert.rejects(bench.store.create({ ...tooLong, length: 2 ** 40 }, NEVER), { code: 'too_large' });
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => create(bench.store)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 5);
    assert.equal((await Array.fromAsync(bench.storage.growing.list())).length, 5);
  });
});
