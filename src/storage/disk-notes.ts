import assert from 'node:assert/strict';
import { AppError } from '../core/errors.ts';
import type { DiskLog } from './disk-log.ts';
import { pickKeys } from './pick-keys.ts';
import { assertKey, type BlobInfo, type CreateOptions, type Meta, type Sink, type Storage } from './storage.ts';

/** Blobs without bytes below some prefixes in the log, all others in `files`. */
export function withNotes<S extends Storage>(files: S, log: DiskLog, prefixes: readonly string[]): S {
  const isNote = (key: string) => prefixes.some((prefix) => key.startsWith(prefix));

  function find(key: string): BlobInfo | undefined {
    assertKey(key);
    const meta = log.find(key);
    return meta && { key, size: 0, meta };
  }

  async function* list(...[prefix, options = {}]: Parameters<Storage['list']>): AsyncGenerator<BlobInfo> {
    for (const key of pickKeys(log.keys(), prefix, options)) {
      const info = find(key);
      if (info) yield info;
    }
  }

  function assertNoNote(key: string): void {
    if (isNote(key)) throw new AppError('not_found', `${key} has no bytes`);
  }

  return {
    ...files,
    create: async (key, options) => (isNote(key) ? createNote(log, key, options) : files.create(key, options)),
    stat: async (key) => (isNote(key) ? find(key) : files.stat(key)),
    delete: (key) => (isNote(key) ? log.delete(key) : files.delete(key)),
    list: (prefix, options) => (isNote(prefix) ? list(prefix, options) : files.list(prefix, options)),
    sync: (prefix) => (isNote(prefix) ? log.sync() : files.sync(prefix)),
    async open(key, range) {
      assertNoNote(key);
      return files.open(key, range);
    },
    async materialize(key) {
      assertNoNote(key);
      return files.materialize(key);
    },
  };
}

function createNote(log: DiskLog, key: string, { durable = true }: CreateOptions = {}): Sink {
  assertKey(key);
  let isOpen = true;
  return {
    async write(chunks) {
      assert(
        chunks.every(({ byteLength }) => byteLength === 0),
        `${key} is kept in a log, and has no bytes`,
      );
    },
    async commit(meta: Meta) {
      assert(isOpen, 'a sink is committed once');
      isOpen = false;
      await log.put(key, meta, durable);
      return { key, size: 0, meta };
    },
    async abort() {
      isOpen = false;
    },
  };
}
