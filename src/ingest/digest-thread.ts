import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { systemCode } from '../core/errors.ts';
import type { FromDigestThread, HashName, ToDigestThread } from './digest-messages.ts';

/** Stays in the CPU's cache between the read and the hash. */
const BUFFER_BYTES = 256 * 1024;

interface Following {
  readonly hashes: ReadonlyMap<HashName, Hash>;
  offset: number;
}

/** Entry of the thread that digest.ts starts: hashes files as they grow, one step of one file after the other. */
function serve(port: NonNullable<typeof parentPort>): void {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  const followed = new Map<number, Following>();

  function answer(message: FromDigestThread): void {
    port.postMessage(message);
  }

  function handle(message: ToDigestThread): void {
    switch (message.type) {
      case 'start':
        followed.set(message.id, {
          hashes: new Map(message.algorithms.map((name) => [name, createHash(name)])),
          offset: 0,
        });
        return;
      case 'advance':
        advance(followed.get(message.id), message);
        return;
      case 'finish': {
        const following = followed.get(message.id);
        if (!following) return;
        followed.delete(message.id);
        const digests = new Map([...following.hashes].map(([name, hash]) => [name, new Uint8Array(hash.digest())]));
        answer({ type: 'done', id: message.id, digests });
        return;
      }
      case 'drop':
        followed.delete(message.id);
    }
  }

  function advance(following: Following | undefined, { path, to }: { path: string; to: number }): void {
    if (!following) return;
    const fd = openSync(path, 'r');
    try {
      while (following.offset < to) {
        const wanted = Math.min(BUFFER_BYTES, to - following.offset);
        const count = readSync(fd, buffer, 0, wanted, following.offset);
        if (count === 0) throw new Error('the file is shorter than what was written');
        const bytes = buffer.subarray(0, count);
        for (const hash of following.hashes.values()) hash.update(bytes);
        following.offset += count;
      }
    } finally {
      closeSync(fd);
    }
  }

  port.on('message', (message: ToDigestThread) => {
    try {
      handle(message);
    } catch (error) {
      followed.delete(message.id);
      const reason = error instanceof Error ? error : new Error(String(error));
      answer({ type: 'failed', id: message.id, error: reason, code: systemCode(reason) });
    }
  });
}

if (parentPort) serve(parentPort);
