import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { AppError } from '../../src/core/errors.ts';
import {
  type Handler,
  isFinal,
  type Job,
  type JobEvent,
  type Queue,
  type Run,
  type Slot,
} from '../../src/queue/queue.ts';

export interface RaceOptions {
  /** Called by the engine for each final job; resolves when the test lets it. */
  readonly keep: (job: Job) => Promise<void>;
  readonly isKeptFirst: (job: Job) => boolean;
}

const CONCURRENCY = 2;
const QUEUE_SIZE = 3;
const NEVER = new AbortController().signal;

/** What was done to the queue, and what it did. */
class Model {
  readonly queue: Queue;
  readonly slots: Slot[] = [];
  readonly ids: string[] = [];
  readonly finals = new Map<string, Job>();
  readonly kept = new Map<string, number>();
  readonly runs = new Map<string, { run: Run; end: PromiseWithResolvers<unknown> }>();
  readonly progress = new Map<string, number>();
  readonly watches: { id: string; events: JobEvent[]; done: Promise<void> }[] = [];
  readonly cancelledUnrun = new Set<string>();
  readonly #heldKeeps: (() => void)[] = [];
  atWork = 0;
  mostAtWork = 0;

  constructor(createQueue: (options: RaceOptions) => Queue) {
    this.queue = createQueue({
      keep: (job) => this.#keep(job),
      // Every other job is one that was accepted.
      isKeptFirst: ({ id }) => Number(id.slice(1)) % 2 === 0,
    });
    const retry = (attempt: number) => (attempt < 2 ? 0 : undefined);
    const work = { concurrency: CONCURRENCY, queueSize: QUEUE_SIZE, eager: false, retry };
    this.queue.work('t', { ...work, handler: this.#handler });
  }

  /** Pages of records are written at the test's pace. */
  releaseKeep(): void {
    this.#heldKeeps.shift()?.();
  }

  async #keep(job: Job): Promise<void> {
    this.kept.set(job.id, (this.kept.get(job.id) ?? 0) + 1);
    await new Promise<void>((resolve) => this.#heldKeeps.push(resolve));
  }

  readonly #handler: Handler = async (run) => {
    this.atWork += 1;
    this.mostAtWork = Math.max(this.mostAtWork, this.atWork);
    assert.ok(!this.cancelledUnrun.has(run.job.id), 'a job that was discarded ran');
    const end = Promise.withResolvers<unknown>();
    this.runs.set(run.job.id, { run, end });
    run.signal.addEventListener('abort', () => end.reject(run.signal.reason), { once: true });
    try {
      return await end.promise;
    } finally {
      this.atWork -= 1;
    }
  };

  pick(choice: number): string {
    return this.ids[choice % this.ids.length] ?? '';
  }

  watch(id: string): void {
    const events: JobEvent[] = [];
    const read = async () => {
      for await (const event of this.queue.watch(id, NEVER)) events.push(event);
    };
    this.watches.push({ id, events, done: read() });
  }

  /** What must hold after every step. */
  check(): void {
    assert.ok(this.mostAtWork <= CONCURRENCY, `${this.mostAtWork} at work`);
    for (const job of this.queue.list()) {
      assert.ok(job.progress >= (this.progress.get(job.id) ?? 0), 'progress fell');
      this.progress.set(job.id, job.progress);
      const before = this.finals.get(job.id);
      if (before) assert.deepEqual([job.status, job.error, job.result], [before.status, before.error, before.result]);
      else if (isFinal(job.status)) this.finals.set(job.id, job);
    }
    for (const [id, times] of this.kept) assert.equal(times, 1, `${id} was kept ${times} times`);
    const { waiting, running, free } = this.queue.depth('t');
    assert.ok(waiting >= 0 && running >= 0 && free >= 0 && waiting + running + free === CONCURRENCY + QUEUE_SIZE);
  }

  /** Everything that still waits comes to its end: then each job has one final state, told once to each watcher. */
  async finish(): Promise<void> {
    for (const slot of this.slots) slot.release();
    let isIdle = false;
    const idle = this.queue.idle(AbortSignal.timeout(5000)).then(() => {
      isIdle = true;
    });
    while (!isIdle) {
      for (const { end } of this.runs.values()) end.resolve('end');
      this.releaseKeep();
      await Promise.race([nextTurn(), idle]);
    }
    for (const { id, events, done } of this.watches) {
      await done;
      assert.equal(events[0]?.type, 'snapshot');
      assert.equal(events.filter(({ type }) => type === 'done').length, 1);
      const last = events.at(-1)?.job;
      assert.ok(last && isFinal(last.status));
      const parts = events.flatMap((event) => (event.type === 'part' ? [event.part.value] : []));
      assert.equal(new Set(parts).size, parts.length, `a part of ${id} was told twice`);
    }
    for (const id of this.ids) assert.equal(this.kept.get(id), 1, `${id} has no outcome`);
    assert.equal(this.queue.depth('t').free, CONCURRENCY + QUEUE_SIZE);
  }
}

type Step = readonly [name: keyof typeof STEPS, choice: number];

const CANCELLED = new AppError('cancelled', 'by request');
const TIMED_OUT = new AppError('deadline_exceeded', 'too late');

/** Each does one thing, if it can be done now, without waiting: what waits meets whatever comes next. */
const STEPS = {
  reserve(model: Model) {
    try {
      model.slots.push(model.queue.reserve('t'));
    } catch (error) {
      assert.ok(error instanceof AppError && error.code === 'queue_full');
    }
  },
  release: (model: Model) => model.slots.pop()?.release(),
  submit(model: Model, choice: number) {
    const slot = model.slots.pop();
    if (!slot) return;
    const id = `j${model.ids.length}`;
    model.ids.push(id);
    model.queue.submit({ id, task: 't', caller: `c${choice % 3}`, input: {}, files: [], priority: choice % 2 }, slot);
    model.watch(id);
  },
  submitAgain(model: Model, choice: number) {
    const id = model.pick(choice);
    const job = model.queue.get(id);
    const slot = job && model.slots.pop();
    if (slot) model.queue.submit({ ...job, task: 't' }, slot);
  },
  start: (model: Model, choice: number) => model.runs.get(model.pick(choice))?.run.start(),
  progress: (model: Model, choice: number) => model.runs.get(model.pick(choice))?.run.progress((choice % 10) / 10),
  part: (model: Model, choice: number) =>
    model.runs.get(model.pick(choice))?.run.part(choice % 4, { value: choice % 4, outputs: [] }),
  finish: (model: Model, choice: number) => model.runs.get(model.pick(choice))?.end.resolve(choice),
  fail: (model: Model, choice: number) =>
    model.runs.get(model.pick(choice))?.end.reject(new AppError('internal', `failure ${choice}`)),
  cancel(model: Model, choice: number) {
    const id = model.pick(choice);
    if (!model.runs.has(id) && model.queue.get(id)?.status === 'queued') model.cancelledUnrun.add(id);
    model.queue.cancel(id, CANCELLED);
  },
  deadline: (model: Model, choice: number) => model.queue.cancel(model.pick(choice), TIMED_OUT),
  watch(model: Model, choice: number) {
    const id = model.pick(choice);
    if (model.queue.get(id)) model.watch(id);
  },
  keep: (model: Model) => model.releaseKeep(),
  wait: () => nextTurn(),
} as const;

const anyStep: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[]), 'reserve', 'submit', 'submit'),
  fc.nat(1000),
);

/** Cancel against finish, deadline against finish, two cancels, a record that takes its time: whatever comes in whichever order. */
export function queueRaces(name: string, createQueue: (options: RaceOptions) => Queue): void {
  suite(`races in the queue: ${name}`, () => {
    test('every job ends in exactly one final state, told once to each watcher, and no place is lost', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60 }), async (steps) => {
          const model = new Model(createQueue);
          for (const [step, choice] of steps) {
            await STEPS[step](model, choice);
            model.check();
          }
          await model.finish();
        }),
        { numRuns: Number(process.env.RACE_RUNS ?? 300) },
      );
    });

    test('of an accepted job nobody is told the outcome before it is on record', async () => {
      const written = Promise.withResolvers<void>();
      const queue = createQueue({ keep: () => written.promise, isKeptFirst: () => true });
      queue.work('t', { concurrency: 1, queueSize: 1, eager: false, handler: async () => 'done' });
      queue.submit({ id: 'one', task: 't', caller: 'a', input: {}, files: [] }, queue.reserve('t'));
      queue.cancel('one', CANCELLED);
      await nextTurn();
      assert.deepEqual([queue.get('one')?.status, queue.get('one')?.isEnding], ['queued', true]);
      const told = (async () => {
        for await (const { type, job } of queue.watch('one', NEVER)) if (type === 'done') return job.status;
        return undefined;
      })();
      written.resolve();
      assert.equal(await told, 'cancelled');
    });
  });
}
