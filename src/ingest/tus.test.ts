import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { planTusAppend, planTusCreation, type TusCreation } from './tus.ts';
import type { UploadStatus } from './uploads.ts';

const MAX = 1000;
const A = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const B = '01ARZ3NDEKTSV4RRFFQ69G5FAW';

const none: TusCreation = {
  uploadLength: undefined,
  uploadDeferLength: undefined,
  uploadConcat: undefined,
  uploadMetadata: undefined,
  reprDigest: undefined,
};

const create = (headers: Partial<TusCreation>) =>
  planTusCreation({ ...none, ...headers }, { caller: 'me', maxBytes: MAX });

function upload(status: Partial<UploadStatus> = {}): UploadStatus {
  return {
    ...{ id: A, protocol: 'tus', offset: 10, length: 100, metadata: '', concat: undefined },
    ...{ expiresAt: 0, file: undefined, jobId: undefined },
    ...status,
  };
}

suite('tus creation', () => {
  test('takes a length, or defers it', () => {
    assert.deepEqual(create({ uploadLength: '0' }).length, 0);
    assert.deepEqual(create({ uploadLength: '1000' }).length, 1000);
    assert.deepEqual(create({ uploadDeferLength: '1' }).length, undefined);
  });

  test('knows partial uploads and joined ones, by relative and absolute URLs', () => {
    assert.equal(create({ uploadLength: '5', uploadConcat: 'partial' }).concat, 'partial');
    const joined = create({ uploadConcat: `final;/v1/uploads/${A} https://example.org/x/v1/uploads/${B}` });
    assert.deepEqual([joined.concat, joined.length], [[A, B], undefined]);
  });

  const refused: readonly [string, Partial<TusCreation>, string][] = [
    ['neither length nor deferral', {}, 'bad_request'],
    ['both', { uploadLength: '1', uploadDeferLength: '1' }, 'bad_request'],
    ['a deferral other than 1', { uploadDeferLength: '2' }, 'bad_request'],
    ['a negative length', { uploadLength: '-1' }, 'bad_request'],
    ['a length in hexadecimal', { uploadLength: '0x10' }, 'bad_request'],
    ['a fraction', { uploadLength: '1.5' }, 'bad_request'],
    ['one byte more than allowed', { uploadLength: '1001' }, 'too_large'],
    ['a malformed digest', { uploadLength: '1', reprDigest: 'sha-256=:AA==:' }, 'bad_request'],
    ['malformed metadata', { uploadLength: '1', uploadMetadata: 'a a a' }, 'bad_request'],
    ['an unknown concat', { uploadLength: '1', uploadConcat: 'whole' }, 'bad_request'],
    ['no parts', { uploadConcat: 'final;' }, 'bad_request'],
    ['a part elsewhere', { uploadConcat: `final;/other/${A}` }, 'bad_request'],
    ['a joined upload with a length', { uploadConcat: `final;/v1/uploads/${A}`, uploadLength: '1' }, 'bad_request'],
  ];
  for (const [why, headers, code] of refused) {
    test(`is refused: ${why}`, () => assert.throws(() => create(headers), { code }));
  }
});

suite('tus append', () => {
  const append = (status: Partial<UploadStatus>, uploadOffset: string | undefined, rest: object = {}) =>
    planTusAppend(upload(status), { uploadOffset, uploadLength: undefined, contentLength: undefined, ...rest }, MAX);

  test('goes on exactly at the offset, up to the length, and is whole there', () => {
    const plan = append({}, '10', { contentLength: 90 });
    assert.deepEqual([plan.maxBytes, plan.length, plan.isWhole(99), plan.isWhole(100)], [90, 100, false, true]);
  });

  test('a partial upload is never whole, and a deferred length is bounded by the largest upload', () => {
    assert.equal(append({ concat: 'partial' }, '10').isWhole(100), false);
    const plan = append({ length: undefined }, '10');
    assert.deepEqual([plan.maxBytes, plan.length, plan.isWhole(1000)], [MAX - 10, undefined, false]);
    assert.equal(append({ length: undefined }, '10', { uploadLength: '10' }).isWhole(10), true);
  });

  const refused: readonly [string, Partial<UploadStatus>, string | undefined, object, string][] = [
    ['no offset', {}, undefined, {}, 'bad_request'],
    ['an offset that is no number', {}, 'x', {}, 'bad_request'],
    ['one byte too far', {}, '11', {}, 'conflict'],
    ['one byte too early', {}, '9', {}, 'conflict'],
    ['one byte more than the length', {}, '10', { contentLength: 91 }, 'too_large'],
    ['another length than before', {}, '10', { uploadLength: '99' }, 'bad_request'],
    ['a length below the offset', { length: undefined }, '10', { uploadLength: '9' }, 'bad_request'],
    ['a late length above the limit', { length: undefined }, '10', { uploadLength: '1001' }, 'too_large'],
    ['bytes for a joined upload', { concat: [A, B] }, '10', {}, 'forbidden'],
  ];
  for (const [why, status, offset, rest, code] of refused) {
    test(`is refused: ${why}`, () => assert.throws(() => append(status, offset, rest), { code }));
  }

  test('no accepted request can pass the length or the limit', () => {
    const count = fc.nat({ max: 2 * MAX });
    const option = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    fc.assert(
      fc.property(count, option(count), count, option(count), option(count), (have, length, at, told, bytes) => {
        const status = upload({ offset: Math.min(have, length ?? MAX, MAX), length: length && Math.min(length, MAX) });
        const headers = { uploadOffset: `${at}`, uploadLength: told?.toString(), contentLength: bytes };
        try {
          const plan = planTusAppend(status, headers, MAX);
          assert.equal(at, status.offset);
          assert.ok(status.offset + plan.maxBytes <= (plan.length ?? MAX));
          assert.ok((bytes ?? 0) <= plan.maxBytes);
          assert.ok(status.length === undefined || plan.length === status.length);
        } catch (error) {
          assert.ok(['bad_request', 'conflict', 'too_large'].includes((error as { code: string }).code));
        }
      }),
    );
  });
});
