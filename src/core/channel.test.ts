import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Channel } from './channel.ts';

const makeChannel = (capacity: number) => new Channel<number>({ capacity, sizeOf: (item) => item });

/** How a promise stands after everything that can run without the outside world has run. */
async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'done' | 'failed'> {
  const settled = promise.then(
    () => 'done' as const,
    () => 'failed' as const,
  );
  return await Promise.race([settled, new Promise<'pending'>((resolve) => setImmediate(resolve, 'pending'))]);
}

suite('channel', () => {
  test('keeps the order, loses and doubles nothing, and never holds more than its capacity', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 200 });
    const batches = fc.infiniteStream(fc.integer({ min: 1, max: 100 }));
    const property = fc.asyncProperty(sizes, batches, fc.integer({ min: 1, max: 60 }), fc.scheduler(), run);
    await fc.assert(property, { numRuns: 200 });

    async function run(items: number[], maxBytes: fc.Stream<number>, capacity: number, scheduler: fc.Scheduler) {
      const channel = makeChannel(capacity);
      const received: number[] = [];
      const sender = async () => {
        for (const item of items) {
          await scheduler.schedule(Promise.resolve());
          await channel.send(item);
          assert.ok(channel.usedBytes <= Math.max(capacity, item));
        }
        channel.close();
      };
      const receiver = async () => {
        for (const max of maxBytes) {
          await scheduler.schedule(Promise.resolve());
          const batch = await channel.receive(max, { minBytes: max });
          if (!batch) return;
          const total = batch.reduce((sum, item) => sum + item, 0);
          assert.ok(batch.length === 1 || total <= max);
          received.push(...batch);
        }
      };
      await scheduler.waitFor(Promise.all([sender(), receiver()]));
      assert.deepEqual(received, items);
      assert.equal(channel.usedBytes, 0);
    }
  });

  test('a receiver that wants more is woken by enough, by a sender that waits for room, and by the end', async () => {
    const channel = makeChannel(10);
    const enough = channel.receive(10, { minBytes: 6 });
    await channel.send(5);
    assert.equal(await stateOf(enough), 'pending');
    await channel.send(1);
    assert.deepEqual(await enough, [5, 1]);
    const room = channel.receive(10, { minBytes: 6 });
    await channel.send(4);
    const sending = channel.send(9);
    assert.deepEqual(await room, [4]);
    await sending;
    assert.deepEqual(await channel.receive(10, { minBytes: 6 }), [9]);
    const rest = channel.receive(10, { minBytes: 6 });
    await channel.send(1);
    channel.close();
    assert.deepEqual([await rest, await channel.receive(10, { minBytes: 6 })], [[1], undefined]);
  });

  test('a send waits while it would not fit, at exactly one byte too many', async () => {
    const channel = makeChannel(10);
    await channel.send(6);
    await channel.send(4);
    const waiting = channel.send(1);
    assert.equal(await stateOf(waiting), 'pending');
    assert.equal(channel.usedBytes, 10);
    assert.deepEqual(await channel.receive(6), [6]);
    await waiting;
    assert.deepEqual(await channel.receive(100), [4, 1]);
  });

  test('an item larger than the capacity passes alone', async () => {
    const channel = makeChannel(10);
    await channel.send(1);
    const big = channel.send(50);
    assert.equal(await stateOf(big), 'pending');
    assert.deepEqual(await channel.receive(100), [1]);
    await big;
    assert.deepEqual(await channel.receive(1), [50]);
  });

  test('close lets the receiver drain and then ends it', async () => {
    const channel = makeChannel(10);
    await channel.send(3);
    channel.close();
    assert.deepEqual(await channel.receive(10), [3]);
    assert.equal(await channel.receive(10), undefined);
    assert.equal(await channel.receive(10), undefined);
  });

  test('close wakes a waiting receiver', async () => {
    const channel = makeChannel(10);
    const receiving = channel.receive(10);
    channel.close();
    assert.equal(await receiving, undefined);
  });

  test('fail drops what is left and rejects both sides with the first error, now and later', async () => {
    const error = new Error('disk');
    const channel = makeChannel(10);
    await channel.send(10);
    const sending = channel.send(1);
    channel.fail(error);
    channel.fail(new Error('later'));
    await assert.rejects(sending, error);
    await assert.rejects(channel.send(1), error);
    await assert.rejects(channel.receive(1), error);
    assert.equal(channel.usedBytes, 0);
  });

  test('fail wakes a waiting receiver', async () => {
    const error = new Error('network');
    const channel = makeChannel(10);
    const receiving = channel.receive(1);
    channel.fail(error);
    await assert.rejects(receiving, error);
  });

  test('an aborted send is not sent and an aborted receive takes nothing', async () => {
    const reason = new Error('gone');
    const channel = makeChannel(10);
    const receiver = new AbortController();
    const receiving = channel.receive(10, { signal: receiver.signal });
    receiver.abort(reason);
    await assert.rejects(receiving, reason);

    await channel.send(10);
    const sender = new AbortController();
    const sending = channel.send(5, sender.signal);
    sender.abort(reason);
    await assert.rejects(sending, reason);
    await assert.rejects(channel.send(1, sender.signal), reason);
    assert.deepEqual(await channel.receive(100), [10]);
    channel.close();
    assert.equal(await channel.receive(100), undefined);
  });

  test('an abort after something was sent loses nothing', async () => {
    const channel = makeChannel(10);
    const aborted = new AbortController();
    const receiving = channel.receive(10, { signal: aborted.signal });
    const sending = channel.send(7);
    aborted.abort(new Error('late'));
    await sending;
    assert.deepEqual(await receiving, [7]);
  });

  test('for await gets each item, and leaving early wakes the sender with an error', async () => {
    const channel = makeChannel(2);
    const sending = (async () => {
      for (let i = 0; i < 5; i++) await channel.send(1);
    })();
    const seen: number[] = [];
    for await (const item of channel) {
      seen.push(item);
      if (seen.length === 2) break;
    }
    assert.deepEqual(seen, [1, 1]);
    await assert.rejects(sending, { code: 'cancelled' });
  });

  test('misuse asserts: two senders, two receivers, a send after close', async () => {
    const channel = makeChannel(1);
    const first = channel.receive(1);
    assert.throws(() => void channel.receive(1), /one receiver/);
    await channel.send(1);
    await first;
    await channel.send(1);
    const second = channel.send(1);
    await assert.rejects(channel.send(1), /one sender/);
    assert.throws(() => channel.close(), /during its own send/);
    await channel.receive(1);
    await second;
    channel.close();
    await assert.rejects(channel.send(1), /after close/);
  });
});
