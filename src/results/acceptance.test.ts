import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { pino } from 'pino';
import { createIdSource } from '../core/ids.ts';
import { openLedger } from '../ledger/ledger.ts';
import { MemoryQueue } from '../queue/memory.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import type { Storage } from '../storage/storage.ts';
import { createAcceptance, createResults } from './results.ts';

const LOG = pino({ level: 'silent' });
const newId = createIdSource();

/** Storage whose commits below a prefix wait until they are let through. */
function gated(storage: Storage, prefix: string) {
  const gate = Promise.withResolvers<void>();
  const create: Storage['create'] = async (key, options) => {
    const sink = await storage.create(key, options);
    const commit: typeof sink.commit = async (meta) => {
      if (key.startsWith(prefix)) await gate.promise;
      return sink.commit(meta);
    };
    return { ...sink, commit };
  };
  return { storage: { ...storage, create }, open: () => gate.resolve() };
}

async function startProcess(prefix: string) {
  const { storage, open } = gated(createMemoryStorage(), prefix);
  const ledger = await openLedger({ storage });
  const queue = new MemoryQueue({ keep: (job) => results.keep(job) });
  const finish = Promise.withResolvers<void>();
  queue.work('t', { concurrency: 1, queueSize: 1, eager: false, handler: () => finish.promise });
  const results = createResults({ queue, storage, ledger, log: LOG, retentionS: 1000, epoch: 'e' });
  const { keep, kept } = results;
  const acceptance = createAcceptance({ queue, ledger, storage, log: LOG, keep, kept });
  const { id } = queue.submit({ id: newId(), task: 't', caller: 'me', input: {}, files: [] });
  return { id, queue, storage, acceptance, open, finish: finish.resolve };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(resolve, 'turn'));
  return (await Promise.race([promise, turn])) === 'turn';
}

suite('acceptance', () => {
  test('of a job that is being accepted returns no earlier than the first', async () => {
    const { id, acceptance, open, storage } = await startProcess('pending/');
    const both = [acceptance.accept(id, {}), acceptance.accept(id, {})];
    assert.deepEqual(await Promise.all(both.map(isPending)), [true, true]);
    open();
    await Promise.all(both);
    assert.ok(await storage.stat(`pending/${id}`));
  });

  test('of a job that has just ended waits for its record', async () => {
    const { id, acceptance, open, storage, queue, finish } = await startProcess('jobs/');
    finish();
    await new Promise(setImmediate);
    assert.equal(queue.get(id)?.status, 'succeeded');
    const accepted = acceptance.accept(id, {});
    assert.equal(await isPending(accepted), true);
    open();
    await accepted;
    assert.ok(await storage.stat(`jobs/${id}`));
  });

  test('before the submission makes one job, however often it is asked for', async () => {
    const { acceptance, storage, queue } = await startProcess('nothing/');
    queue.work('u', { concurrency: 9, queueSize: 9, eager: false, handler: () => new Promise(() => undefined) });
    const job = { id: newId(), task: 'u', caller: 'me', input: {}, files: [] };
    await Promise.all([1, 2].map(() => acceptance.admit(job, queue.reserve('u'))));
    await acceptance.admit(job, queue.reserve('u'));
    assert.equal(queue.list().filter(({ id }) => id === job.id).length, 1);
    const pending = await Array.fromAsync(storage.list('pending/'));
    assert.deepEqual(
      pending.map(({ key }) => key),
      [`pending/${job.id}`],
    );
  });
});
