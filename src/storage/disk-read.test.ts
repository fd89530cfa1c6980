import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { readRange } from './disk-read.ts';

suite('reading a part of a file', () => {
  const bytes = randomBytes(1_500_000);
  let folder: string;
  let path: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'penstock-read-'));
    path = join(folder, 'bytes');
    await writeFile(path, bytes);
  });
  after(() => rm(folder, { recursive: true }));

  test('chunks that are given back at once are read into again, and every byte is right', async () => {
    const source = readRange(path, { start: 10, end: bytes.length - 5 });
    const buffers = new Set<ArrayBufferLike>();
    const parts: Buffer[] = [];
    for await (const chunk of source) {
      buffers.add(chunk.buffer);
      parts.push(Buffer.from(chunk));
      source.recycle?.(chunk);
    }
    assert.ok(Buffer.concat(parts).equals(bytes.subarray(10, -4)));
    assert.ok(buffers.size <= 2, `${buffers.size} buffers`);
  });

  test('chunks that are kept stay as they are', async () => {
    const parts: Uint8Array[] = [];
    for await (const chunk of readRange(path, { start: 0, end: bytes.length - 1 })) parts.push(chunk);
    assert.ok(Buffer.concat(parts).equals(bytes));
  });

  test('a chunk given back twice, or from elsewhere, is taken once or not at all', async () => {
    const source = readRange(path, { start: 0, end: bytes.length - 1 });
    const seen: Buffer[] = [];
    for await (const chunk of source) {
      seen.push(Buffer.from(chunk));
      for (const given of [chunk, chunk, new Uint8Array(3)]) source.recycle?.(given);
    }
    assert.ok(Buffer.concat(seen).equals(bytes));
  });
});
