import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asItemSource, ItemPump } from './items.ts';

const never = new AbortController().signal;

function* numbers(to: number, seen: number[] = []): Generator<number> {
  for (let i = 0; i < to; i++) {
    seen.push(i);
    yield i;
  }
}

suite('items', () => {
  test('generators are sources of items; arrays, texts and maps are values', () => {
    assert.ok(asItemSource(numbers(1)));
    assert.ok(asItemSource((async function* () {})()));
    for (const value of [[1], 'text', new Map(), { next: 1 }, null, undefined])
      assert.equal(asItemSource(value), undefined);
  });

  test('all items are sent in order, many to a message', async () => {
    const messages: (readonly string[])[] = [];
    const send = (items: readonly string[]) => messages.push(items);
    const count = await new ItemPump().run(numbers(1000), { signal: never, encode: String, send });
    assert.equal(count, 1000);
    assert.deepEqual(
      messages.flat(),
      Array.from({ length: 1000 }, (_, i) => String(i)),
    );
    assert.ok(messages.length < 10, `${messages.length} messages`);
  });

  test('a generator waits for its reader when a window of items is under way', async () => {
    const pump = new ItemPump();
    const seen: number[] = [];
    const text = 'x'.repeat(100_000);
    let sent = 0;
    const send = (items: readonly string[]) => (sent += items.length);
    const done = pump.run(numbers(100, seen), { signal: never, encode: () => text, send });
    await new Promise(setImmediate);
    assert.equal(seen.length, 11);
    assert.equal(sent, 11);
    pump.taken(1, text.length);
    await new Promise(setImmediate);
    assert.equal(seen.length, 12);
    const free = setInterval(() => pump.taken(1, text.length), 1);
    assert.equal(await done, 100);
    clearInterval(free);
  });

  test('an abort ends a generator that computes, one that waits for its reader, and runs its finally', async () => {
    for (const size of [1, 2_000_000]) {
      const stop = new AbortController();
      let isClosed = false;
      const source = (function* () {
        try {
          for (;;) yield 'x'.repeat(size);
        } finally {
          isClosed = true;
        }
      })();
      const options = { signal: stop.signal, encode: String, send: () => undefined };
      setTimeout(() => stop.abort(new Error('stopped')), 30);
      await assert.rejects(new ItemPump().run(source, options), /stopped/);
      assert.equal(isClosed, true);
    }
  });
});
