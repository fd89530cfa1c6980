import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AppError } from '../../src/core/errors.ts';
import type { Handler, Queue } from '../../src/queue/queue.ts';
import { final } from './queue.ts';

const NEVER = new AbortController().signal;

/** What every queue engine does with runs that fail. */
export function queueRetries(name: string, createQueue: () => Queue): void {
  suite(`retries in the queue: ${name}`, () => {
    test('a failed run is followed by the next one after the delay that the task asks for, and the last failure stays', async () => {
      const queue = createQueue();
      const attempts: number[] = [];
      const handler: Handler = async (run) => {
        run.start();
        attempts.push(run.job.attempt + 1);
        throw new AppError('internal', `failure ${attempts.length}`);
      };
      const retry = (attempt: number) => (attempt < 3 ? 1 : undefined);
      queue.work('t', { concurrency: 1, queueSize: 1, eager: false, handler, retry });
      queue.submit({ id: 'one', task: 't', caller: 'a', input: {}, files: [] }, queue.reserve('t'));
      await final(queue, 'one');
      const job = queue.get('one');
      assert.deepEqual(
        [attempts, job?.status, job?.attempt, job?.error?.message],
        [[1, 2, 3], 'failed', 3, 'failure 3'],
      );
      assert.equal(queue.depth('t').waiting + queue.depth('t').running, 0);
    });

    test('a run that fails before it began counts as one that the task may repeat', async () => {
      const queue = createQueue();
      let runs = 0;
      const handler: Handler = async () => {
        runs += 1;
        throw new AppError('engine_unavailable', 'no worker');
      };
      const retry = (attempt: number) => (attempt < 3 ? 1 : undefined);
      queue.work('t', { concurrency: 1, queueSize: 1, eager: false, handler, retry });
      queue.submit({ id: 'one', task: 't', caller: 'a', input: {}, files: [] }, queue.reserve('t'));
      await final(queue, 'one');
      assert.deepEqual([runs, queue.get('one')?.error?.code], [3, 'engine_unavailable']);
    });

    test('a job that waits for its next run can be cancelled', async () => {
      const queue = createQueue();
      const handler: Handler = async (run) => {
        run.start();
        throw new AppError('internal', 'again');
      };
      queue.work('t', { concurrency: 1, queueSize: 1, eager: false, handler, retry: () => 60_000 });
      queue.submit({ id: 'one', task: 't', caller: 'a', input: {}, files: [] }, queue.reserve('t'));
      for await (const { job } of queue.watch('one', NEVER)) {
        if (job.status === 'queued' && job.attempt === 1) queue.cancel('one', new AppError('cancelled', 'enough'));
      }
      assert.equal(queue.get('one')?.status, 'cancelled');
      await queue.idle(NEVER);
    });
  });
}
