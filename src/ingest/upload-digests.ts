import { createHash } from 'node:crypto';
import { canReadBack, type Growing } from '../storage/storage.ts';
import type { DigestFollower, Following } from './digest-follower.ts';
import type { Digests, HashName } from './digest-messages.ts';

/** Up to so many bytes are read back and hashed in this thread; a hop to the other would cost more. */
const INLINE_BYTES = 1024 * 1024;
/** The digest thread hears of every so many bytes. */
const STEP_BYTES = 4 * 1024 * 1024;
/** Uploads whose half-done sha256 is kept; one that is dropped is hashed anew from the disk when it is whole. */
const MAX_LIVE = 1000;

/** The digests of uploads that grow over many requests; only the newest state of a bounded number of them is kept. */
export interface UploadDigests {
  /** So many bytes of it are written now. */
  advance(id: string, growing: Growing, bytes: number): void;
  /** Its bytes went back, or away. */
  forget(id: string): void;
  /** Of the whole. Error: `internal`. */
  finish(id: string, whole: { growing: Growing; size: number; algorithms: readonly HashName[] }): Promise<Digests>;
}

interface Live {
  readonly following: Following;
  announced: number;
}

export function createUploadDigests(follower: DigestFollower, maxLive = MAX_LIVE): UploadDigests {
  /** The least recently used first. */
  const live = new Map<string, Live>();

  function advance(id: string, growing: Growing, bytes: number): void {
    if (bytes < INLINE_BYTES || !canReadBack(growing)) return;
    const own = live.get(id) ?? { following: follower.follow(growing.path, ['sha256']), announced: 0 };
    live.delete(id);
    live.set(id, own);
    if (bytes - own.announced >= STEP_BYTES) {
      own.announced = bytes;
      own.following.advance(bytes);
    }
    const [oldest] = live.keys();
    if (live.size > maxLive && oldest !== undefined) forget(oldest);
  }

  function forget(id: string): void {
    live.get(id)?.following.drop();
    live.delete(id);
  }

  return {
    advance,
    forget,
    async finish(id, { growing, size, algorithms }) {
      if (size <= INLINE_BYTES || !canReadBack(growing)) return await hashInline(growing, size, algorithms);
      const isAllLive = algorithms.every((name) => name === 'sha256');
      const following = (isAllLive && live.get(id)?.following) || follower.follow(growing.path, algorithms);
      try {
        following.advance(size);
        return await following.finish();
      } finally {
        forget(id);
      }
    },
  };
}

async function hashInline(growing: Growing, size: number, algorithms: readonly HashName[]): Promise<Digests> {
  const hashes = new Map(algorithms.map((name) => [name, createHash(name)]));
  for await (const chunk of growing.read({ start: 0, end: size - 1 })) {
    for (const hash of hashes.values()) hash.update(chunk);
  }
  return new Map([...hashes].map(([name, hash]) => [name, hash.digest()]));
}
