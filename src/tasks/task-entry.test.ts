import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Task } from './task.ts';
import { createEntry } from './task-entry.ts';

const DEFAULTS = { queueSize: 100, workers: 4, deadlineS: 60, maxDeadlineS: 600 };
const run = () => 1;
const entryOf = (task: object) => createEntry({ task: task as Task, moduleUrl: 'file:///x.ts' }, DEFAULTS);

suite('task entry', () => {
  test('what a task leaves open is filled in', () => {
    const { path, methods, queueSize, concurrency, deadlineS, maxDeadlineS, answer, isInline } = entryOf({
      name: 'x',
      run,
    });
    assert.deepEqual([path, methods, queueSize, concurrency], ['/x', ['POST'], 100, 4]);
    assert.deepEqual([deadlineS, maxDeadlineS, answer, isInline], [60, 600, 'sync', false]);
  });

  test('a generator is streamed unless it says otherwise, workers of its own bound its concurrency, each has its queue', () => {
    assert.deepEqual(entryOf({ name: 'x', *run() {} }).answer, 'stream');
    const listed = entryOf({ name: 'x', answer: 'sync', async *run() {} });
    assert.deepEqual([listed.answer, listed.canStream], ['sync', true]);
    const own = entryOf({ name: 'x', run, workers: 8, queues: 'per-worker', queueSize: 10 });
    assert.deepEqual([own.concurrency, own.queueSize], [8, 80]);
  });

  test('a deadline above the server’s maximum raises the task’s', () => {
    assert.equal(entryOf({ name: 'x', run, deadlineS: 3600 }).maxDeadlineS, 3600);
    assert.equal(entryOf({ name: 'x', run, deadlineS: 90, maxDeadlineS: 30 }).deadlineS, 30);
  });

  for (const [member, value, message] of [
    ['name', 'no spaces', /its name/],
    ['path', 'make', /its path 'make' is not like/],
    ['methods', ['LOOK'], /its methods/],
    ['files', { it: 'picture' }, /its file 'it' is of no known kind: file, image/],
    ['queueSize', -1, /its queueSize is not a whole number from 0/],
    ['workers', 1.5, /its workers is not a whole number from 1/],
    ['retries', -1, /its retries/],
    ['deadlineS', 0, /its deadlineS/],
    ['priority', 11, /its priority/],
    ['queues', 'own', /its queues is not one of shared, per-worker/],
    ['answer', 'maybe', /its answer/],
    ['runs', 'outside', /its runs/],
    ['concurency', 3, /it has a member 'concurency', which no task has/],
  ] as const) {
    test(`refuses ${member}: ${JSON.stringify(value)}`, () => {
      assert.throws(() => entryOf({ name: 'x', run, [member]: value }), message);
    });
  }
});
