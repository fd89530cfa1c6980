import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { AppError } from '../core/errors.ts';
import { createIdSource } from '../core/ids.ts';
import { openLedger } from '../ledger/ledger.ts';
import { MemoryQueue } from '../queue/memory.ts';
import { isFinal, type Queue } from '../queue/queue.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import type { Sink, Storage } from '../storage/storage.ts';
import { createAcceptance, createResults } from './results.ts';

const NEVER = new AbortController().signal;
const FOREVER = new Promise<never>(() => undefined);
const CANCELLED = new AppError('cancelled', 'by request');
const LOG = pino({ level: 'silent' });

interface Crash {
  /** The storage's step with which the process dies. */
  readonly step: number;
  /** That step still reaches the disk, though nobody learns of it. */
  readonly isDone: boolean;
}

/** The disk as a process sees it that dies at one of its steps: from then on nothing comes back. */
function mortal(disk: Storage, { step, isDone }: Crash): Storage & { isDead(): boolean } {
  let steps = 0;
  async function pass<T>(work: () => Promise<T>): Promise<T> {
    // A disk takes its time: others go on meanwhile.
    await nextTurn();
    steps += 1;
    if (steps > step || (steps === step && !isDone)) return FOREVER;
    const result = await work();
    return steps >= step ? FOREVER : result;
  }
  const passSink = (sink: Sink): Sink => ({
    write: (chunks) => pass(() => sink.write(chunks)),
    commit: (meta) => pass(() => sink.commit(meta)),
    abort: () => pass(() => sink.abort()),
  });
  return {
    ...disk,
    create: (key, options) => pass(async () => passSink(await disk.create(key, options))),
    stat: (key) => pass(() => disk.stat(key)),
    sync: (prefix) => pass(() => disk.sync(prefix)),
    delete: (key) => pass(() => disk.delete(key)),
    isDead: () => steps >= step,
  };
}

/** What callers were promised and told; of dead processes they hear nothing. */
interface Callers {
  readonly accepted: Set<string>;
  readonly told: Map<string, string>;
}

async function startProcess(storage: Storage & { isDead(): boolean }, callers: Callers) {
  const ledger = await openLedger({ storage });
  const queue: Queue = new MemoryQueue({
    keep: (job) => results.keep(job),
    isKeptFirst: ({ id }) => ledger.isAccepted(id),
  });
  const results = createResults({ queue, storage, ledger, log: LOG, retentionS: 1000, epoch: 'e' });
  const acceptance = createAcceptance({ queue, ledger, storage, log: LOG, keep: results.keep, kept: results.kept });
  queue.work('t', {
    concurrency: 2,
    queueSize: 100,
    eager: false,
    async handler(run) {
      run.start();
      await ledger.begin(run.job.id, run.job.attempt + 1);
      await nextTurn();
      if (run.job.input === 'fails') throw new AppError('invalid_input', 'as it is');
      return 'done';
    },
  });

  async function listen(id: string): Promise<void> {
    const { status } = await results.outcome(id, NEVER);
    if (storage.isDead() || !callers.accepted.has(id)) return;
    const before = callers.told.get(id);
    assert.ok(before === undefined || before === status, `${id} was ${before} and is ${status}`);
    callers.told.set(id, status);
  }

  return { ledger, queue, results, acceptance, listen };
}

const anyStep = fc.record({
  input: fc.constantFrom('works', 'fails'),
  isAccepted: fc.boolean(),
  /** Turns of the event loop after which it is cancelled; 0: never. */
  cancelAfter: fc.nat(12),
  /** Until the next one. */
  pause: fc.nat(6),
});

suite('a process that dies at any step of its storage', () => {
  test('loses no accepted job, tells no second outcome, and leaves no marker', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 1, maxLength: 6 }),
        fc.array(fc.record({ step: fc.integer({ min: 1, max: 60 }), isDone: fc.boolean() }), { maxLength: 2 }),
        async (steps, crashes) => {
          const disk = createMemoryStorage();
          const callers: Callers = { accepted: new Set(), told: new Map() };
          await live(disk, { steps, callers, crash: crashes[0] });
          if (crashes[1]) await live(disk, { steps: [], callers, crash: crashes[1] });
          await live(disk, { steps: [], callers, crash: undefined });
          for (const id of callers.accepted) assert.ok(callers.told.has(id), `${id} has no outcome`);
          for (const prefix of ['pending/', 'attempts/', 'excuses/'])
            assert.deepEqual(await Array.fromAsync(disk.list(prefix)), []);
        },
      ),
      { numRuns: Number(process.env.CRASH_RUNS ?? 300) },
    );
  });
});

interface Life {
  readonly steps: readonly { input: string; isAccepted: boolean; cancelAfter: number; pause: number }[];
  readonly callers: Callers;
  readonly crash: Crash | undefined;
}

/** One process from its start to its end, or to its crash. */
async function live(disk: Storage, { steps, callers, crash }: Life): Promise<void> {
  const storage = mortal(disk, crash ?? { step: Number.POSITIVE_INFINITY, isDone: false });
  let isOver = false;
  const died = (async () => {
    while (!storage.isDead() && !isOver) await nextTurn();
  })();
  const life = (async () => {
    const process = await startProcess(storage, callers);
    await process.acceptance.recover();
    const open = [...callers.accepted].map(process.listen);
    const newId = createIdSource();
    for (const { input, isAccepted, cancelAfter, pause } of steps) {
      const id = newId();
      process.queue.submit({ id, task: 't', caller: 'c', input, files: [] }, process.queue.reserve('t'));
      const accept = async () => {
        await process.acceptance.accept(id, {});
        // One that has ended before is told with the answer, and was not promised to go on.
        const { status } = await process.results.get(id);
        if (!storage.isDead() && !isFinal(status)) callers.accepted.add(id);
        await process.listen(id);
      };
      const cancel = async () => {
        for (let turn = 0; turn < cancelAfter; turn++) await nextTurn();
        process.queue.cancel(id, CANCELLED);
      };
      if (isAccepted) open.push(accept());
      if (cancelAfter > 0) open.push(cancel());
      for (let turn = 0; turn < pause; turn++) await nextTurn();
    }
    await Promise.all(open);
    await process.queue.idle(NEVER);
    await nextTurn();
  })();
  await Promise.race([life, died]);
  isOver = true;
}
