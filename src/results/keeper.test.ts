import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { AppError } from '../core/errors.ts';
import { openLedger } from '../ledger/ledger.ts';
import { MemoryQueue } from '../queue/memory.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import { createKeeper } from './keeper.ts';
import { readRecord } from './record.ts';

const ID = '01K9ZZZZZZZZZZZZZZZZZZZZZZ';

test('the record of a cancelled job is written although its outputs are removed at the same time', async () => {
  const memory = createMemoryStorage();
  const storage = {
    ...memory,
    sync: async () => {
      throw new Error('ENOENT: a file is gone meanwhile');
    },
  };
  const ledger = await openLedger({ storage });
  const queue = new MemoryQueue();
  queue.work('t', { concurrency: 1, queueSize: 1, eager: false, handler: () => new Promise(() => undefined) });
  const job = queue.submit({ id: ID, task: 't', caller: 'c', input: {}, files: [] }, queue.reserve('t'));
  await ledger.accept(job);
  const cancelled = queue.cancel(ID, new AppError('cancelled', 'by request'));
  assert.ok(cancelled);
  const keeper = createKeeper({ storage, ledger, log: pino({ level: 'silent' }), epoch: 'e' });
  await keeper.keep(cancelled);
  assert.equal((await readRecord(storage, ID))?.job.status, 'cancelled');
  assert.deepEqual(await Array.fromAsync(storage.list('pending/')), []);
});
