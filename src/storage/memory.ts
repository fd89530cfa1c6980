import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { createMemoryAppend } from './memory-append.ts';
import { pickKeys } from './pick-keys.ts';
import {
  type Appendable,
  assertKey,
  type BlobInfo,
  type ByteRange,
  type Meta,
  type Sink,
  type Storage,
} from './storage.ts';

interface Blob {
  readonly info: BlobInfo;
  readonly bytes: Buffer;
}

/** Blobs in the process's memory: for tests, and as the other implementation of the contract. Survives nothing. */
export function createMemoryStorage(): Storage & Appendable {
  const blobs = new Map<string, Blob>();

  function find(key: string): Blob {
    assertKey(key);
    const blob = blobs.get(key);
    if (!blob) throw new AppError('not_found', `there is no ${key}`);
    return blob;
  }

  async function create(key: string): Promise<Sink> {
    assertKey(key);
    return createMemorySink(key, blobs);
  }

  return {
    create,
    growing: createMemoryAppend({ createSink: create }),
    async open(key, range) {
      return iterate(find(key).bytes, range);
    },
    async stat(key) {
      assertKey(key);
      return blobs.get(key)?.info;
    },
    async delete(key) {
      assertKey(key);
      blobs.delete(key);
    },
    sync: async () => undefined,
    async *list(prefix, options = {}) {
      for (const key of pickKeys(blobs.keys(), prefix, options)) {
        const blob = blobs.get(key);
        if (blob) yield blob.info;
      }
    },
    async materialize(key) {
      const { bytes } = find(key);
      const folder = await mkdtemp(join(tmpdir(), 'penstock-'));
      const path = join(folder, 'blob');
      await writeFile(path, bytes);
      return { path, release: () => rm(folder, { recursive: true, force: true }) };
    },
  };
}

function createMemorySink(key: string, blobs: Map<string, Blob>): Sink {
  let parts: Buffer[] | undefined = [];
  return {
    async write(chunks) {
      assert(parts, 'a sink takes bytes until it is committed or aborted');
      for (const chunk of chunks) parts.push(Buffer.from(chunk));
    },
    async commit(meta: Meta) {
      assert(parts, 'a sink is committed once');
      const bytes = Buffer.concat(parts);
      parts = undefined;
      if (blobs.has(key)) throw new AppError('conflict', `${key} exists`);
      // A copy through JSON, as on a disk: what is not JSON must not seem to be kept.
      const info: BlobInfo = { key, size: bytes.byteLength, meta: JSON.parse(JSON.stringify(meta)) };
      blobs.set(key, { info, bytes });
      return info;
    },
    async abort() {
      parts = undefined;
    },
  };
}

async function* iterate(bytes: Buffer, range: ByteRange | undefined): AsyncGenerator<Uint8Array> {
  const part = range ? bytes.subarray(range.start, range.end + 1) : bytes;
  if (part.byteLength > 0) yield Buffer.from(part);
}
