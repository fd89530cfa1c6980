import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { systemCode } from '../core/errors.ts';
import type { FromDigestThread, HashName, ToDigestThread } from './digest-messages.ts';

/** Stays in the CPU's cache between the read and the hash. */
const BUFFER_BYTES = 256 * 1024;
/** Of one file in one turn: other files do not wait for the whole of one that lags far behind. */
const STEP_BYTES = 16 * 1024 * 1024;

interface Following {
  readonly id: number;
  readonly hashes: ReadonlyMap<HashName, Hash>;
  /** Where the bytes are, once there are any. */
  path: string;
  /** Bytes that are hashed. */
  offset: number;
  /** Bytes that are there. */
  target: number;
  isFinishing: boolean;
}

/** Entry of the thread that digest.ts starts: hashes files as they grow, a step of one file after a step of another. */
function serve(port: NonNullable<typeof parentPort>): void {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  const followed = new Map<number, Following>();
  /** Those with something to do, in the order of their turns. */
  const line = new Set<Following>();
  let isTurnDue = false;

  function answer(message: FromDigestThread): void {
    port.postMessage(message);
  }

  function handle(message: ToDigestThread): void {
    if (message.type === 'start') {
      const hashes = new Map(message.algorithms.map((name) => [name, createHash(name)]));
      followed.set(message.id, { id: message.id, hashes, path: '', offset: 0, target: 0, isFinishing: false });
      return;
    }
    const following = followed.get(message.id);
    if (!following) return;
    switch (message.type) {
      case 'advance':
        following.path = message.path;
        following.target = message.to;
        enqueue(following);
        return;
      case 'finish':
        following.isFinishing = true;
        enqueue(following);
        return;
      case 'drop':
        forget(message.id);
    }
  }

  function forget(id: number): void {
    const following = followed.get(id);
    if (following) line.delete(following);
    followed.delete(id);
  }

  function enqueue(following: Following): void {
    line.add(following);
    awaitTurn();
  }

  /** Between two turns the thread looks for messages. */
  function awaitTurn(): void {
    if (isTurnDue || line.size === 0) return;
    isTurnDue = true;
    setImmediate(takeTurn);
  }

  function takeTurn(): void {
    isTurnDue = false;
    const [following] = line;
    if (following) attempt(following.id, () => work(following));
    awaitTurn();
  }

  /** Its error is the last word on that id, and no one else's. */
  function attempt(id: number, act: () => void): void {
    try {
      act();
    } catch (error) {
      forget(id);
      const reason = error instanceof Error ? error : new Error(String(error));
      answer({ type: 'failed', id, error: reason, code: systemCode(reason) });
    }
  }

  function work(following: Following): void {
    line.delete(following);
    if (following.offset < following.target) hashStep(following, buffer);
    if (following.offset < following.target) line.add(following);
    else if (following.isFinishing) finish(following);
  }

  function finish(following: Following): void {
    forget(following.id);
    const digests = new Map([...following.hashes].map(([name, hash]) => [name, new Uint8Array(hash.digest())]));
    answer({ type: 'done', id: following.id, digests });
  }

  port.on('message', (message: ToDigestThread) => attempt(message.id, () => handle(message)));
}

function hashStep(following: Following, buffer: Buffer): void {
  const end = Math.min(following.target, following.offset + STEP_BYTES);
  const fd = openSync(following.path, 'r');
  try {
    while (following.offset < end) {
      const wanted = Math.min(buffer.byteLength, end - following.offset);
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

if (parentPort) serve(parentPort);
