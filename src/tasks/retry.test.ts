import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { createRetry } from './retry.ts';
import type { Task } from './task.ts';

suite('retries', () => {
  const task = { retries: 8 } as unknown as Task;
  const crash = new AppError('worker_crashed', 'it died');

  test('the pause doubles up to a minute, and ends with the retries', () => {
    const retry = createRetry(task, () => 1);
    const pauses = [1, 2, 3, 7, 8, 9].map((attempt) => retry(attempt, crash));
    assert.deepEqual(pauses, [1000, 2000, 4000, 60_000, 60_000, undefined]);
  });

  test("what is the input's fault is not tried again", () => {
    assert.equal(createRetry(task)(1, new AppError('invalid_pdf', 'broken')), undefined);
  });

  test('a task that asks for none gets none', () => {
    assert.equal(createRetry({} as unknown as Task)(1, crash), undefined);
  });
});
