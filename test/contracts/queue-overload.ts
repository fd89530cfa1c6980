import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { AppError } from '../../src/core/errors.ts';
import { isFinal, type Queue } from '../../src/queue/queue.ts';

const NEVER = new AbortController().signal;
const CONCURRENCY = 2;
const JOB_MS = 25;
const DEADLINE_MS = 400;
/** Five times what the workers do. */
const PER_SECOND = (5 * CONCURRENCY * 1000) / JOB_MS;

/** What admission is for. The limits are wide, since time itself is tested; without admission nearly every job misses its deadline. */
export function queueOverload(name: string, createQueue: () => Queue): void {
  suite(`overload of the queue: ${name}`, () => {
    test('at five times the capacity the workers do useful work, since what could not be done in time is refused', async () => {
      const queue = createQueue();
      queue.work('t', {
        concurrency: CONCURRENCY,
        queueSize: 100_000,
        eager: false,
        handler: async (run) => {
          run.start();
          await pass(JOB_MS * (0.7 + Math.random() * 0.6));
        },
      });
      const statuses = new Map<string, number>();
      const count = (status: string) => void statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const open: Promise<void>[] = [];
      await pour(3000, (id) => {
        try {
          const slot = queue.reserve('t', { caller: 'a', deadlineMs: DEADLINE_MS });
          queue.submit({ id, task: 't', caller: 'a', input: {}, files: [] }, slot);
          open.push(outcome(queue, id).then(count));
        } catch {
          count('refused');
        }
      });
      await Promise.all(open);
      const [done = 0, missed = 0, refused = 0] = ['succeeded', 'timed_out', 'refused'].map((each) =>
        statuses.get(each),
      );
      const told = JSON.stringify([...statuses]);
      assert.ok(refused > done, told);
      assert.ok(missed < (done + missed) / 3, told);
      assert.ok(done > (3 * CONCURRENCY * 1000) / JOB_MS / 3, told);
    });
  });
}

/** Calls start when they are due, whatever became of those before. */
async function pour(forMs: number, call: (id: string) => void): Promise<void> {
  const start = performance.now();
  for (let started = 0; performance.now() < start + forMs; await pass(5)) {
    for (const due = ((performance.now() - start) / 1000) * PER_SECOND; started < due; started++) call(`j${started}`);
  }
}

async function outcome(queue: Queue, id: string): Promise<string> {
  const timer = setTimeout(() => queue.cancel(id, new AppError('deadline_exceeded', 'too late')), DEADLINE_MS);
  for await (const { job } of queue.watch(id, NEVER)) {
    if (!isFinal(job.status)) continue;
    clearTimeout(timer);
    return job.status;
  }
  return 'none';
}
