import { createHash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import type { Queue } from '../queue/queue.ts';
import type { Storage } from '../storage/storage.ts';
import { readRecord } from './record.ts';

export const IDEMPOTENCY = 'idempotency/';
/** Failures that another try may not meet again: their keys are free. */
const PASSING = new Set(['internal', 'worker_crashed', 'engine_unavailable', 'draining', 'storage_full']);

/** One call's hold on its key; no other call has it at the same time. */
export interface KeyClaim extends Disposable {
  /**
   * The job that an earlier call with the key made, if its answer can be given again.
   * Error: `invalid_input`, when that call was another one.
   */
  earlier(fingerprint: string): Promise<string | undefined>;
  /** Durable on return: the key stands for the job. */
  bind(fingerprint: string, jobId: string): Promise<void>;
}

/** Makes a call that is sent again with the same key have the effect and the answer of one (draft-ietf-httpapi-idempotency-key-header). */
export interface Idempotency {
  /** Error: `conflict` while another call with the key runs. */
  claim(caller: string, key: string): KeyClaim;
}

export function createIdempotency({ queue, storage }: { queue: Queue; storage: Storage }): Idempotency {
  const running = new Set<string>();

  async function isReplayable(jobId: string): Promise<boolean> {
    const live = queue.get(jobId);
    if (live?.status === 'queued' || live?.status === 'running' || live?.status === 'succeeded') return true;
    const { status, error } = (await readRecord(storage, jobId))?.job ?? {};
    return status === 'succeeded' || (status === 'failed' && error !== undefined && !PASSING.has(error.code));
  }

  function claim(caller: string, key: string): KeyClaim {
    const blob =
      IDEMPOTENCY +
      createHash('sha256')
        .update(JSON.stringify([caller, key]))
        .digest('hex');
    if (running.has(blob))
      throw new AppError('conflict', 'a call with this Idempotency-Key is still running; wait for it, then try again', {
        retryAfterS: 1,
      });
    running.add(blob);

    async function earlier(fingerprint: string): Promise<string | undefined> {
      const bound = await storage.stat(blob);
      const jobId = bound && String(bound.meta.job);
      if (jobId === undefined || !(await isReplayable(jobId))) return undefined;
      if (bound?.meta.fingerprint === fingerprint) return jobId;
      throw new AppError('invalid_input', 'this Idempotency-Key was used for another payload; choose a new one');
    }

    async function bind(fingerprint: string, jobId: string): Promise<void> {
      await storage.delete(blob);
      const sink = await storage.create(blob);
      await sink.commit({ job: jobId, fingerprint });
    }

    return { earlier, bind, [Symbol.dispose]: () => void running.delete(blob) };
  }

  return { claim };
}
