import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AppError } from '../core/errors.ts';
import { formatUploadLimit, type IetfHeaders, isComplete, planIetfAppend, planIetfCreation } from './ietf-upload.ts';
import { parseUploadMetadata } from './upload-metadata.ts';
import type { UploadStatus } from './uploads.ts';

const MAX = 1000;
const FILE = { id: 'F', name: 'n', size: 100, sha256: '', mediaType: '', createdAt: '' };

const headers = (some: Partial<IetfHeaders>): IetfHeaders => ({
  ...{
    uploadComplete: '?0',
    uploadOffset: undefined,
    uploadLength: undefined,
    contentLength: undefined,
    hasBody: true,
  },
  ...some,
});

function create(some: Partial<IetfHeaders>, representation: object = {}) {
  const nothing = { name: undefined, contentType: undefined, reprDigest: undefined, uploadMetadata: undefined };
  return planIetfCreation(headers(some), { ...nothing, ...representation }, { caller: 'me', maxBytes: MAX });
}

function upload(status: Partial<UploadStatus> = {}): UploadStatus {
  return {
    ...{ id: 'A', protocol: 'ietf', offset: 10, length: 100, metadata: '', concat: undefined },
    ...{ expiresAt: 0, file: undefined, jobId: undefined },
    ...status,
  };
}

const append = (status: Partial<UploadStatus>, some: Partial<IetfHeaders>) =>
  planIetfAppend(upload(status), headers({ uploadOffset: '10', ...some }), MAX);

/** The problem type's last word. */
const typeOf = (error: AppError) => String(error.extra.type).split('#')[1];

suite('IETF upload', () => {
  test('Upload-Complete is a Boolean or as if not sent', () => {
    const values = ['?1', '?0', '?1;a=1', '1', 'true', '?2', '', undefined].map(isComplete);
    assert.deepEqual(values, [true, false, true, ...Array(5).fill(undefined)]);
  });

  test('the length is what Upload-Length says, or the content of a request that is all', () => {
    assert.equal(create({ uploadLength: '100', contentLength: 5 }).length, 100);
    assert.equal(create({ contentLength: 5 }).length, undefined);
    assert.equal(create({ uploadComplete: '?1', contentLength: 5 }).length, 5);
    assert.equal(create({ uploadComplete: '?1', contentLength: 5, uploadLength: '5' }).length, 5);
    assert.equal(create({ uploadComplete: '?1' }).length, undefined);
    assert.equal(create({ uploadComplete: '?1', hasBody: false }).length, 0);
    assert.equal(create({ uploadLength: 'many' }).length, undefined);
    assert.equal(create({ uploadLength: '5.0' }).length, undefined);
  });

  test('lengths that disagree are inconsistent-upload-length', () => {
    const creation = () => create({ uploadComplete: '?1', contentLength: 5, uploadLength: '6' });
    const later = () => append({}, { uploadLength: '99' });
    const rest = () => append({}, { uploadComplete: '?1', contentLength: 89 });
    const beyond = () => append({}, { contentLength: 91 });
    const short = () => append({}, { uploadComplete: '?1' }).isWhole(99);
    for (const act of [creation, later, rest, beyond, short]) {
      assert.throws(
        act,
        (error: AppError) => error.code === 'bad_request' && typeOf(error) === 'inconsistent-upload-length',
      );
    }
  });

  test('too much is too_large at creation and at append', () => {
    assert.throws(() => create({ uploadLength: '1001' }), { code: 'too_large' });
    assert.throws(() => create({ contentLength: 1001 }), { code: 'too_large' });
    assert.throws(() => append({ length: undefined }, { contentLength: 991 }), { code: 'too_large' });
    assert.equal(append({ length: undefined }, { contentLength: 990 }).maxBytes, 990);
  });

  test('an append is whole only when it says so', () => {
    assert.equal(append({}, { contentLength: 90 }).isWhole(100), false);
    assert.equal(append({}, { uploadComplete: '?1', contentLength: 90 }).isWhole(100), true);
    assert.equal(append({ length: undefined }, { uploadComplete: '?1' }).isWhole(17), true);
    assert.equal(
      append({ offset: 100 }, { uploadOffset: '100', uploadComplete: '?1', hasBody: false }).isWhole(100),
      true,
    );
  });

  test('another offset is mismatching-upload-offset with both offsets', () => {
    assert.throws(
      () => append({}, { uploadOffset: '11' }),
      (error: AppError) => {
        assert.deepEqual([error.code, typeOf(error)], ['conflict', 'mismatching-upload-offset']);
        return error.extra['expected-offset'] === 10 && error.extra['provided-offset'] === 11;
      },
    );
  });

  test('an append without its headers is a bad request', () => {
    for (const missing of [{ uploadOffset: undefined }, { uploadComplete: undefined }, { uploadOffset: '-1' }]) {
      assert.throws(() => append({}, missing), { code: 'bad_request' });
    }
  });

  test('a complete upload takes no more bytes, but its last request may be repeated without any', () => {
    const done = { offset: 100, file: FILE };
    const at = { uploadOffset: '100', uploadComplete: '?1' };
    assert.throws(
      () => append(done, { ...at, contentLength: 1 }),
      (error: AppError) => typeOf(error) === 'completed-upload',
    );
    assert.equal(append(done, { ...at, hasBody: false }).isWhole(100), true);
  });

  test("the file's name and type are kept as metadata, and tus's own header wins", () => {
    const { metadata } = create({}, { name: 'a b.pdf', contentType: 'application/pdf' });
    assert.deepEqual(Object.fromEntries(parseUploadMetadata(metadata)), {
      filename: 'a b.pdf',
      filetype: 'application/pdf',
    });
    assert.equal(create({}, { name: 'x', uploadMetadata: 'task cGRm' }).metadata, 'task cGRm');
    assert.throws(() => create({}, { uploadMetadata: 'a a a' }), { code: 'bad_request' });
  });

  test('Upload-Limit is a dictionary of integers', () => {
    assert.equal(formatUploadLimit({ maxSize: 5 }), 'max-size=5');
    assert.equal(formatUploadLimit({ maxSize: 5, maxAgeS: 3.7 }), 'max-size=5, max-age=3');
    assert.equal(formatUploadLimit({ maxSize: 5, maxAgeS: -1 }), 'max-size=5, max-age=0');
  });
});
