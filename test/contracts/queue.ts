import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../src/core/errors.ts';
import type { Handler, JobEvent, Queue } from '../../src/queue/queue.ts';

const NEVER = new AbortController().signal;

/** Handlers that the test holds: each started job waits until it is let go. */
function createBench(): {
  handler: Handler;
  started: string[];
  finish(id: string, result?: unknown): void;
  fail(id: string, error: Error): void;
} {
  const started: string[] = [];
  const held = new Map<string, PromiseWithResolvers<unknown>>();
  const handler: Handler = async (run) => {
    run.start();
    started.push(run.job.id);
    const gate = Promise.withResolvers<unknown>();
    held.set(run.job.id, gate);
    run.signal.addEventListener('abort', () => gate.reject(run.signal.reason), { once: true });
    return gate.promise;
  };
  return {
    handler,
    started,
    finish: (id, result) => held.get(id)?.resolve(result),
    fail: (id, error) => held.get(id)?.reject(error),
  };
}

export async function final(queue: Queue, id: string): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of queue.watch(id, NEVER)) events.push(event);
  return events;
}

async function partsOf(events: AsyncIterable<JobEvent>): Promise<unknown[]> {
  const parts: unknown[] = [];
  for await (const event of events) if (event.type === 'part') parts.push(event.part.value);
  return parts;
}

/** What every queue engine must do. */
export function queueContract(name: string, createQueue: () => Queue): void {
  suite(`queue contract: ${name}`, () => {
    function setUp(options: { concurrency?: number; queueSize?: number } = {}) {
      const queue = createQueue();
      const bench = createBench();
      queue.work('t', {
        concurrency: options.concurrency ?? 1,
        queueSize: options.queueSize ?? 10,
        eager: false,
        handler: bench.handler,
      });
      const submit = (id: string, caller = 'a', priority = 0) =>
        queue.submit({ id, task: 't', caller, input: {}, files: [], priority }, queue.reserve('t'));
      return { queue, bench, submit };
    }

    test('a full queue refuses the N+1st reservation with Retry-After and takes it again when a place is free', () => {
      const { queue } = setUp({ concurrency: 2, queueSize: 3 });
      const slots = Array.from({ length: 5 }, () => queue.reserve('t'));
      assert.throws(
        () => queue.reserve('t'),
        (error: unknown) => error instanceof AppError && error.code === 'queue_full' && (error.retryAfterS ?? 0) >= 1,
      );
      slots[0]?.release();
      slots[0]?.release();
      queue.reserve('t');
      assert.throws(() => queue.reserve('t'), AppError);
      assert.equal(queue.depth('t').free, 0);
    });

    test('a job goes from queued over running to succeeded, and each watcher sees the snapshot first and done last', async () => {
      const { queue, bench, submit } = setUp();
      submit('one');
      assert.equal(submit('two').status, 'queued');
      const seen = final(queue, 'two');
      bench.finish('one', 1);
      await final(queue, 'one');
      bench.finish('two', { answer: 2 });
      const events = await seen;
      assert.deepEqual([events[0]?.type, events.at(-1)?.type], ['snapshot', 'done']);
      const job = queue.get('two');
      assert.deepEqual([job?.status, job?.result, job?.progress, job?.attempt], ['succeeded', { answer: 2 }, 1, 1]);
      assert.equal(queue.depth('t').waiting + queue.depth('t').running, 0);
    });

    test('what a handler throws becomes the job failure', async () => {
      const { queue, bench, submit } = setUp();
      submit('one');
      bench.fail('one', new AppError('invalid_pdf', 'broken'));
      await final(queue, 'one');
      assert.deepEqual([queue.get('one')?.status, queue.get('one')?.error?.code], ['failed', 'invalid_pdf']);
    });

    test('a waiting job that is cancelled never runs and frees its place', async () => {
      const { queue, bench, submit } = setUp({ queueSize: 1 });
      submit('one');
      submit('two');
      assert.throws(() => queue.reserve('t'), AppError);
      queue.cancel('two', new AppError('cancelled', 'by request'));
      submit('three');
      bench.finish('one');
      await final(queue, 'one');
      assert.deepEqual(bench.started, ['one', 'three']);
      assert.equal(queue.get('two')?.status, 'cancelled');
    });

    test('a final state stays: finish, cancel and deadline after it change nothing', async () => {
      const { queue, bench, submit } = setUp();
      submit('one');
      queue.cancel('one', new AppError('deadline_exceeded', 'too late'));
      bench.finish('one', 'late');
      queue.cancel('one', new AppError('cancelled', 'again'));
      const events = await final(queue, 'one');
      assert.equal(events.filter(({ type }) => type === 'done').length, 1);
      assert.deepEqual([queue.get('one')?.status, queue.get('one')?.result], ['timed_out', undefined]);
    });

    test('submit is idempotent by id', () => {
      const { bench, submit } = setUp({ concurrency: 5 });
      submit('one');
      submit('one');
      assert.deepEqual(bench.started, ['one']);
    });

    test("one caller's hundred jobs do not make another's single job wait for all", async () => {
      const { queue, bench, submit } = setUp({ concurrency: 2, queueSize: 200 });
      for (let job = 0; job < 100; job++) submit(`a${job}`, 'a');
      submit('b', 'b');
      bench.finish('a0');
      await final(queue, 'a0');
      assert.deepEqual(bench.started, ['a0', 'a1', 'b']);
    });

    test('higher priority goes first among the waiting', async () => {
      const { queue, bench, submit } = setUp();
      submit('running');
      submit('low', 'a', 0);
      submit('high', 'a', 5);
      bench.finish('running');
      await final(queue, 'running');
      assert.deepEqual(bench.started, ['running', 'high']);
    });

    test('idle resolves when the last job is final, at once when there is none, and rejects with the reason of its signal', async () => {
      const { queue, bench, submit } = setUp();
      await queue.idle(NEVER);
      submit('one');
      const waits = [queue.idle(NEVER), queue.idle(NEVER)];
      await assert.rejects(queue.idle(AbortSignal.abort(new Error('hurry'))), /hurry/);
      bench.finish('one');
      await Promise.all(waits);
    });

    test('a reader that comes back gets the parts that it missed, each once, before done', async () => {
      const queue = createQueue();
      const gate = Promise.withResolvers<void>();
      const handler: Handler = async (run) => {
        run.start();
        for (const index of [2, 0, 0, 1]) run.part(index, { value: index, outputs: [] });
        await gate.promise;
        run.part(3, { value: 3, outputs: [] });
      };
      queue.work('t', { concurrency: 1, queueSize: 1, eager: false, handler });
      queue.submit({ id: 'one', task: 't', caller: 'a', input: {}, files: [] }, queue.reserve('t'));
      const all = partsOf(queue.watch('one', NEVER));
      const rest = partsOf(queue.watch('one', NEVER, 2));
      gate.resolve();
      assert.deepEqual(
        [await all, await rest],
        [
          [2, 0, 1, 3],
          [1, 3],
        ],
      );
    });

    test('a waiting job knows its place; a running one has none', () => {
      const { queue, submit } = setUp();
      for (const id of ['one', 'two', 'three']) submit(id);
      assert.deepEqual(
        ['one', 'two', 'three'].map((id) => queue.place(id)?.position),
        [undefined, 1, 2],
      );
    });

    test('places of uploads that are still under way do not make the estimated wait longer', () => {
      const { queue, submit } = setUp({ concurrency: 2 });
      for (let upload = 0; upload < 5; upload++) queue.reserve('t');
      assert.equal(queue.depth('t').estimatedWaitS, 0);
      for (const id of ['one', 'two', 'three']) submit(id);
      assert.ok(queue.depth('t').estimatedWaitS > 0);
    });

    test('a job that was accepted before is let in above the limit', () => {
      const { queue } = setUp({ concurrency: 1, queueSize: 0 });
      queue.reserve('t');
      queue.submit({ id: 'old', task: 't', caller: 'a', input: {}, files: [], attempt: 1, createdAt: 5 });
      assert.deepEqual([queue.get('old')?.createdAt, queue.get('old')?.attempt], [5, 2]);
      assert.throws(() => queue.reserve('t'), AppError);
    });

    test('work that cannot make its deadline is refused at once, as soon as the cost of a job is known', async () => {
      const { queue, bench, submit } = setUp({ queueSize: 100 });
      for (let job = 0; job < 5; job++) {
        submit(`warm${job}`);
        await delay(20);
        bench.finish(`warm${job}`);
        await final(queue, `warm${job}`);
      }
      for (let job = 0; job < 50; job++) submit(`ahead${job}`);
      assert.throws(
        () => queue.reserve('t', { caller: 'a', deadlineMs: 100 }),
        (error: unknown) => error instanceof AppError && error.code === 'queue_full' && (error.retryAfterS ?? 0) >= 1,
      );
      queue.reserve('t', { caller: 'a', deadlineMs: 60_000 }).release();
      // Callers take turns: the fifty are one ahead of somebody else's job.
      queue.reserve('t', { caller: 'b', deadlineMs: 100 }).release();
    });

    test('where jobs share the workers, a short one is not refused for long ones that it passes, but for short ones', async () => {
      const queue = createQueue();
      const gates: PromiseWithResolvers<void>[] = [];
      const handler: Handler = async (run) => {
        run.start();
        run.spent(run.job.input as number);
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
      };
      queue.work('t', { concurrency: 2, queueSize: 100, eager: true, handler });
      const submit = (id: string, ms: number) =>
        queue.submit({ id, task: 't', caller: 'a', input: ms, files: [] }, queue.reserve('t'));
      for (let job = 0; job < 8; job++) {
        submit(`warm${job}`, 200);
        gates[job]?.resolve();
        await final(queue, `warm${job}`);
      }
      for (let job = 0; job < 20; job++) submit(`long${job}`, 5000);
      queue.reserve('t', { caller: 'a', deadlineMs: 500 }).release();
      for (let job = 0; job < 20; job++) submit(`short${job}`, 0);
      assert.throws(() => queue.reserve('t', { caller: 'a', deadlineMs: 500 }), AppError);
      queue.reserve('t', { caller: 'a', deadlineMs: 5000 }).release();
    });

    test('a closing queue cancels what nobody was promised and leaves the rest unsettled', async () => {
      const { queue, submit } = setUp({ concurrency: 2 });
      submit('lost');
      submit('kept');
      queue.close(new AppError('draining', 'stop'), ({ id }) => id === 'kept');
      await delay(1);
      assert.deepEqual([queue.get('lost')?.status, queue.get('kept')?.status], ['cancelled', 'running']);
    });

    test('the watch of an unknown job is not_found', async () => {
      const { queue } = setUp();
      await assert.rejects(
        final(queue, 'nothing'),
        (error: unknown) => error instanceof AppError && error.code === 'not_found',
      );
    });
  });
}
