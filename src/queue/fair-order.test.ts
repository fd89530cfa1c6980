import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FairOrder } from './fair-order.ts';

suite('fair order', () => {
  function takeAll(order: FairOrder): string[] {
    const taken: string[] = [];
    for (let id = order.take(); id !== undefined; id = order.take()) taken.push(id);
    return taken;
  }

  test('higher priorities go first, equal ones in order of arrival', () => {
    const order = new FairOrder();
    for (const [id, priority] of Object.entries({ a: 0, b: 5, c: 0, d: -1, e: 5 }))
      order.add(id, { caller: 'x', priority });
    assert.deepEqual(takeAll(order), ['b', 'e', 'a', 'c', 'd']);
  });

  test('who has fewer at work goes first', () => {
    const order = new FairOrder();
    for (const id of ['a1', 'a2', 'b1']) order.add(id, { caller: id.slice(0, 1), priority: 0 });
    order.busy('a', 1);
    assert.equal(order.take(), 'b1');
    order.busy('b', 1);
    order.busy('a', -1);
    assert.equal(order.take(), 'a1');
  });

  test('a removed job is not handed out, and what is not there can be removed', () => {
    const order = new FairOrder();
    order.add('a', { caller: 'x', priority: 0 });
    order.add('b', { caller: 'x', priority: 0 });
    order.remove('a');
    order.remove('a');
    assert.deepEqual([order.size, takeAll(order), order.size], [1, ['b'], 0]);
  });
});
