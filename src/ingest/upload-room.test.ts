import assert from 'node:assert/strict';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { suite, test } from 'node:test';
import { sourceOf } from '../../test/fixtures/byte-sources.ts';
import { createStoreBench } from '../../test/fixtures/upload-stores.ts';
import { planTusAppend, planTusCreation } from './tus.ts';
import type { UploadStore } from './uploads.ts';

const NEVER = new AbortController().signal;
const MAX = Number.MAX_SAFE_INTEGER;

function create(store: UploadStore, length: number) {
  const headers = {
    uploadLength: `${length}`,
    uploadDeferLength: undefined,
    uploadConcat: undefined,
    reprDigest: undefined,
  };
  const plan = planTusCreation({ ...headers, uploadMetadata: undefined }, { caller: 'me', maxBytes: MAX });
  return store.create(plan, NEVER);
}

function append(store: UploadStore, id: string, bytes: string) {
  const headers = { uploadOffset: '0', uploadLength: undefined, contentLength: undefined };
  return store.append(id, {
    source: sourceOf([Buffer.from(bytes)]),
    expected: [],
    mode: 'refuse',
    plan: (upload) => planTusAppend(upload, headers, MAX),
  });
}

suite('uploads and room on the disk', () => {
  test('created ones hold none, and a full disk refuses what is sent but not the question how far it is', async () => {
    await using bench = await createStoreBench('disk', { maxUploadBytes: MAX });
    const { storage, store } = bench;
    const { bavail, bsize } = await statfs(tmpdir());
    const most = Math.floor(bavail * bsize * 0.6);
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) ids.push((await create(store, most)).id);
    const [id = ''] = ids;
    const { note = {} } = (await storage.growing.find(id)) ?? {};
    await storage.growing.update(id, { note: { ...note, uncheckedFrom: 0 }, expectedBytes: most });
    const other = await storage.create('files/other', { expectedBytes: most });
    assert.equal((await store.status(id, 'look')).offset, 0);
    await assert.rejects(append(store, id, 'abc'), { code: 'storage_full' });
    assert.equal((await store.status(id, 'look')).offset, 0);
    await other.abort();
    assert.equal((await append(store, id, 'abc')).offset, 3);
    await (await storage.create('files/other', { expectedBytes: most })).abort();
  });
});
