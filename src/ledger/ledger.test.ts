import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Job } from '../queue/queue.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import { type Ledger, openLedger } from './ledger.ts';

const ID = '01K9ZZZZZZZZZZZZZZZZZZZZZZ';

function job(attempt = 0): Job {
  const times = { createdAt: 1, startedAt: undefined, finishedAt: undefined };
  const open = { status: 'queued', progress: 0, message: undefined, result: undefined, error: undefined } as const;
  return {
    id: ID,
    task: 't',
    caller: 'c',
    input: { dpi: 1 },
    files: ['f'],
    priority: 3,
    attempt,
    parts: [],
    isEnding: false,
    ...times,
    ...open,
  };
}

async function pendingOf(ledger: Ledger) {
  return Array.fromAsync(ledger.pending());
}

suite('ledger', () => {
  test('the next process learns of an accepted job, its input and the runs that had begun', async () => {
    const storage = createMemoryStorage();
    const ledger = await openLedger({ storage });
    await ledger.accept(job(), { deadlineAt: 99 });
    await ledger.begin(ID, 1);
    const [pending] = await pendingOf(await openLedger({ storage }));
    assert.deepEqual(pending?.terms, { deadlineAt: 99 });
    const { id, task, input, files, priority, attempt } = pending?.job ?? {};
    assert.deepEqual([id, task, input, files, priority, attempt], [ID, 't', { dpi: 1 }, ['f'], 3, 1]);
  });

  test('a job that ran when it was accepted had begun its run', async () => {
    const storage = createMemoryStorage();
    await (await openLedger({ storage })).accept({ ...job(1), status: 'running' });
    const [pending] = await pendingOf(await openLedger({ storage }));
    assert.deepEqual([pending?.job.attempt, pending?.deaths], [1, 1]);
  });

  test('runs that failed and were to be tried again are no deaths, whether they failed before the acceptance or after', async () => {
    const storage = createMemoryStorage();
    const ledger = await openLedger({ storage });
    await ledger.accept(job(1));
    await ledger.begin(ID, 2);
    await ledger.excuse({ ...job(2), status: 'running' });
    await ledger.begin(ID, 3);
    const [pending] = await pendingOf(await openLedger({ storage }));
    assert.deepEqual([pending?.job.attempt, pending?.deaths], [3, 1]);
  });

  test('a run that was ended on purpose is no death', async () => {
    const storage = createMemoryStorage();
    const ledger = await openLedger({ storage });
    await ledger.accept(job());
    await ledger.begin(ID, 1);
    await ledger.excuse({ ...job(1), status: 'running' });
    const next = await openLedger({ storage });
    const [pending] = await pendingOf(next);
    assert.deepEqual([pending?.job.attempt, pending?.deaths], [1, 0]);
    await next.settle(ID);
    assert.deepEqual(await Array.fromAsync(storage.list('excuses/')), []);
  });

  test('nothing is left of a settled job, nor of one whose settling was cut short', async () => {
    const storage = createMemoryStorage();
    const ledger = await openLedger({ storage });
    await ledger.accept(job());
    await ledger.begin(ID, 1);
    await ledger.begin(ID, 2);
    await storage.delete(`pending/${ID}`);
    const next = await openLedger({ storage });
    assert.deepEqual(await pendingOf(next), []);
    assert.deepEqual(await Array.fromAsync(storage.list('attempts/')), []);
    await ledger.settle(ID);
    assert.equal(ledger.isAccepted(ID), false);
  });

  test('the start of a job that nobody was promised is not recorded', async () => {
    const storage = createMemoryStorage();
    assert.equal((await openLedger({ storage })).begin(ID, 1), undefined);
    assert.deepEqual(await Array.fromAsync(storage.list('attempts/')), []);
  });

  test('the age of the data folder stays what it was', async () => {
    const storage = createMemoryStorage();
    const { since } = await openLedger({ storage });
    assert.equal((await openLedger({ storage })).since, since);
  });
});
