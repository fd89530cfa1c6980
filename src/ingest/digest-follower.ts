import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import type { Digests, FromDigestThread, HashName, ToDigestThread } from './digest-messages.ts';

/** The compiled package runs digest-thread.js. */
const ENTRY = new URL(`./digest-thread${extname(import.meta.url)}`, import.meta.url);

/** Hashes one growing file in the digest thread. */
export interface Following {
  /** The file has so many bytes now. */
  advance(bytes: number): void;
  /** Resolves when all that was announced is hashed. */
  finish(): Promise<Digests>;
  /** Idempotent, and without effect after `finish` resolved. */
  drop(): void;
}

/** The one digest thread: started by the first file that needs it, replaced when it dies. */
export class DigestFollower {
  #thread: Worker | undefined;
  #lastId = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<Digests>>();

  follow(path: string, algorithms: readonly HashName[]): Following {
    const id = ++this.#lastId;
    const outcome = Promise.withResolvers<Digests>();
    // It may fail long before anyone asks for it.
    outcome.promise.catch(() => undefined);
    // Where no thread is to be had (EAGAIN), this throws, and nobody waits.
    this.#post({ type: 'start', id, algorithms });
    this.#waiting.set(id, outcome);
    this.#countIn();
    return {
      advance: (bytes) => this.#post({ type: 'advance', id, path, to: bytes }),
      finish: () => {
        this.#post({ type: 'finish', id });
        return outcome.promise;
      },
      drop: () => {
        if (!this.#waiting.delete(id)) return;
        this.#post({ type: 'drop', id });
        this.#countIn();
      },
    };
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #post(message: ToDigestThread): void {
    this.#thread ??= this.#start();
    this.#thread.postMessage(message);
  }

  /** The thread keeps the process alive only while someone waits for it. */
  #countIn(): void {
    if (this.#waiting.size > 0) this.#thread?.ref();
    else this.#thread?.unref();
  }

  #start(): Worker {
    const thread = new Worker(ENTRY, { name: 'digest', execArgv: [] });
    let cause: unknown;
    thread.on('message', (message: FromDigestThread) => this.#settle(message));
    thread.on('error', (error) => (cause = error));
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
      const error = new AppError('internal', 'the digest could not be computed: send it again', { cause });
      for (const outcome of this.#waiting.values()) outcome.reject(error);
      this.#waiting.clear();
    });
    return thread;
  }

  #settle(message: FromDigestThread): void {
    const outcome = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    this.#countIn();
    if (message.type === 'done') outcome?.resolve(message.digests);
    else outcome?.reject(Object.assign(message.error, { code: message.code }));
  }
}
