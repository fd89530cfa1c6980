import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { createLimits, RateLimited } from './limits.ts';

test('the call that passes the limit is refused and told when the minute is over; another caller is not', async () => {
  const limits = createLimits({ rateLimit: 60, maxUploads: 1, maxCallerUploads: 1 });
  for (let call = 1; call <= 60; call++) assert.equal((await limits.countCall('a'))?.remaining, 60 - call);
  await assert.rejects(limits.countCall('a'), (error: unknown) => {
    assert.ok(error instanceof RateLimited);
    assert.equal(error.code, 'rate_limited');
    assert.ok((error.retryAfterS ?? 0) >= 1 && (error.retryAfterS ?? 61) <= 60);
    return error.rate.remaining === 0;
  });
  assert.equal((await limits.countCall('b'))?.remaining, 59);
});

test('a rate limit of 0 counts nothing', async () => {
  const limits = createLimits({ rateLimit: 0, maxUploads: 1, maxCallerUploads: 1 });
  for (let call = 0; call < 1000; call++) assert.equal(await limits.countCall('a'), undefined);
});

test('an upload place is free again after its release, which counts once', () => {
  const limits = createLimits({ rateLimit: 0, maxUploads: 2, maxCallerUploads: 2 });
  const release = limits.takeUpload('a');
  limits.takeUpload('a');
  assert.throws(
    () => limits.takeUpload('a'),
    (error: unknown) => error instanceof AppError && error.code === 'too_many_uploads',
  );
  release();
  release();
  limits.takeUpload('a');
  assert.throws(() => limits.takeUpload('a'), AppError);
  assert.deepEqual(limits.uploads(), { active: 2, free: 0 });
});

test('one caller cannot take all upload places', () => {
  const limits = createLimits({ rateLimit: 0, maxUploads: 3, maxCallerUploads: 2 });
  const release = limits.takeUpload('a');
  limits.takeUpload('a');
  assert.throws(() => limits.takeUpload('a'), AppError);
  limits.takeUpload('b');
  release();
  limits.takeUpload('a');
});

test('without a limit of its own one caller may take all upload places', () => {
  const limits = createLimits({ rateLimit: 0, maxUploads: 2, maxCallerUploads: 0 });
  limits.takeUpload('a');
  limits.takeUpload('a');
  assert.throws(() => limits.takeUpload('a'), AppError);
});
