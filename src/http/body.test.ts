import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { Body } from './body.ts';

const bytes = (text: string) => Buffer.from(text);

function open(): { body: Body; calls: string[] } {
  const calls: string[] = [];
  return { body: new Body({ pause: () => calls.push('pause'), resume: () => calls.push('resume') }), calls };
}

suite('Body', () => {
  test('hands a chunk to a reader that waits without touching the valve', async () => {
    const { body, calls } = open();
    const first = body.next();
    body.push(bytes('a'));
    assert.deepEqual(await first, bytes('a'));
    const second = body.next();
    body.end();
    assert.equal(await second, undefined);
    assert.equal(await body.next(), undefined);
    assert.deepEqual(calls, []);
  });

  test('closes the valve once while a chunk lies untaken, and opens it when all are taken', async () => {
    const { body, calls } = open();
    body.push(bytes('a'));
    body.push(bytes('bc'));
    assert.deepEqual(calls, ['pause']);
    assert.equal(body.bufferedBytes, 3);
    await body.next();
    assert.deepEqual(calls, ['pause']);
    await body.next();
    assert.deepEqual(calls, ['pause', 'resume']);
    assert.equal(body.bufferedBytes, 0);
    assert.equal(body.receivedBytes, 3);
  });

  test('opens the valve at the end, so that a lost client is seen while the last chunks wait', async () => {
    const { body, calls } = open();
    body.push(bytes('a'));
    body.end();
    assert.deepEqual(calls, ['pause', 'resume']);
    assert.deepEqual(await Array.fromAsync(body), [bytes('a')]);
  });

  test('drops what lies there when it fails, and rejects now and later', async () => {
    const { body } = open();
    const waiting = body.next();
    body.fail(new AppError('client_gone', 'gone'));
    await assert.rejects(waiting, { code: 'client_gone' });
    await assert.rejects(body.next(), { code: 'client_gone' });
    const other = open().body;
    other.push(bytes('a'));
    other.end();
    other.fail(new AppError('client_gone', 'gone'));
    await assert.rejects(other.next(), { code: 'client_gone' });
    assert.equal(other.bufferedBytes, 0);
  });

  test('does not fail after it was taken to its end', async () => {
    const { body } = open();
    body.end();
    body.fail(new AppError('client_gone', 'gone'));
    assert.equal(await body.next(), undefined);
  });

  test('gathered, small chunks come 8 KiB at a time, the rest at the end, and the sender is not held up', async () => {
    const { body, calls } = open();
    const told: number[] = [];
    body.gather(
      (count) => told.push(count),
      () => 0.25,
    );
    const lent = Buffer.alloc(1500);
    const waiting = body.next();
    for (let index = 0; index < 12; index++) {
      lent.fill(index);
      body.push(lent, true);
    }
    lent.fill(99);
    const first = await waiting;
    assert.equal(first?.byteLength, 5120, 'the first ends at a random point behind its middle');
    assert.equal(body.bufferedBytes, 12 * 1500 - 5120);
    const second = await body.next();
    body.end();
    const rest = await Array.fromAsync(body);
    assert.equal(second?.byteLength, 8192);
    const all = Buffer.concat([first, second, ...rest]);
    const expected = Buffer.alloc(12 * 1500);
    for (let index = 0; index < 12; index++) expected.fill(index, index * 1500, (index + 1) * 1500);
    assert.ok(all.equals(expected));
    assert.equal(told.length, 12);
    assert.deepEqual(calls, ['pause', 'resume', 'pause', 'resume']);
  });

  test('gathered, a large chunk goes its own way behind what was gathered', async () => {
    const { body } = open();
    body.gather(() => undefined);
    body.push(bytes('small'));
    body.push(Buffer.alloc(5000, 'x'));
    body.push(bytes('last'));
    body.end();
    assert.equal(Buffer.concat(await Array.fromAsync(body)).toString(), `small${'x'.repeat(5000)}last`);
  });

  test('a block that was given back is used again, by another body', async () => {
    const fill = async (text: string) => {
      const { body } = open();
      body.gather(() => undefined);
      body.push(bytes(text));
      body.end();
      const chunk = await body.next();
      return { body, chunk };
    };
    const one = await fill('one');
    assert.ok(one.chunk);
    one.body.recycle(one.chunk);
    const two = await fill('two');
    assert.equal(two.chunk?.buffer, one.chunk.buffer);
    assert.equal(Buffer.from(two.chunk ?? []).toString(), 'two');
  });

  test('a body that fails in the midst of a block leaves nothing of it to the next one', async () => {
    const failed = open().body;
    failed.gather(() => undefined);
    failed.push(bytes('secret'));
    failed.fail(new AppError('client_gone', 'gone'));
    failed.push(bytes('late'));
    await assert.rejects(failed.next(), { code: 'client_gone' });
    const { body } = open();
    body.gather(() => undefined);
    body.push(bytes('b'));
    body.end();
    assert.equal(Buffer.concat(await Array.fromAsync(body)).toString(), 'b');
  });

  test('what came before it was gathered is told of, and comes first', async () => {
    const { body } = open();
    const told: number[] = [];
    body.push(bytes('early'));
    body.gather((count) => told.push(count));
    body.push(bytes('late'));
    body.end();
    assert.deepEqual(told, [5, 4]);
    assert.equal(Buffer.concat(await Array.fromAsync(body)).toString(), 'earlylate');
  });

  test('loses nothing when a reader gives up waiting', async () => {
    const { body } = open();
    const patience = new AbortController();
    const waiting = body.next(patience.signal);
    patience.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await assert.rejects(body.next(patience.signal), /enough/);
    body.push(bytes('a'));
    assert.deepEqual(await body.next(), bytes('a'));
  });

  test('has one reader', async () => {
    const { body } = open();
    const first = body.next();
    assert.throws(() => void body.next(), /one reader/);
    body.end();
    await first;
  });

  test('a large chunk that is given back is gone, but not one that shares its memory with others', () => {
    const { body } = open();
    const own = Buffer.allocUnsafeSlow(10_000);
    const [part, rest] = [Buffer.allocUnsafeSlow(10_000).subarray(0, 5000), bytes('pooled')];
    for (const chunk of [own, part, rest]) body.recycle(chunk);
    assert.deepEqual([own.byteLength, part.byteLength, rest.byteLength], [0, 5000, 6]);
  });
});
