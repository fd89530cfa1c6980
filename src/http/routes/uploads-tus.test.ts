import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { createUploadCalls, type Headers, type UploadCalls } from '../../../test/fixtures/upload-calls.ts';

const TUS = { 'tus-resumable': '1.0.0' };
const CHUNK = { ...TUS, 'content-type': 'application/offset+octet-stream' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

async function create({ call }: UploadCalls, length: number, headers: Headers = {}): Promise<string> {
  const answer = await call('POST', '/v1/uploads', { ...TUS, 'upload-length': `${length}`, ...headers });
  assert.equal(answer.status, 201);
  return answer.header('location') ?? assert.fail('no Location');
}

suite('tus routes', () => {
  test('OPTIONS tells version, extensions, size and checksums, and answers a browser first', async () => {
    await using calls = await createUploadCalls();
    for (const path of ['/v1/uploads', '/v1/uploads/any']) {
      const answer = await calls.call('OPTIONS', path, {
        origin: 'http://page',
        'access-control-request-method': 'PATCH',
      });
      assert.deepEqual(
        ['tus-version', 'tus-max-size', 'tus-checksum-algorithm', 'access-control-allow-origin'].map(answer.header),
        ['1.0.0', '1000', 'sha1,sha256,sha512,md5', '*'],
      );
      assert.equal(
        answer.header('tus-extension'),
        'creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation',
      );
      assert.equal(answer.status, 204);
      assert.match(answer.header('access-control-allow-methods') ?? '', /PATCH/);
      assert.match(answer.header('access-control-allow-headers') ?? '', /Upload-Offset/);
    }
    assert.equal((await calls.call('OPTIONS', '/v1/uploads')).header('access-control-allow-methods'), undefined);
  });

  test('bytes that come with an upload of 0 bytes are 413 and nothing is kept', async () => {
    await using calls = await createUploadCalls();
    const headers = { ...CHUNK, 'upload-length': '0', 'transfer-encoding': 'chunked' };
    assert.equal((await calls.call('POST', '/v1/uploads', headers, 'x')).status, 413);
    assert.equal((await calls.call('POST', '/v1/uploads', headers, '')).status, 201);
  });

  test('an upload is created, sent in two parts, and becomes a file', async () => {
    await using calls = await createUploadCalls();
    const metadata = `filename ${base64('a.txt')},x`;
    const url = await create(calls, 6, { 'upload-metadata': metadata });
    const first = await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '0' }, 'abc');
    assert.deepEqual(
      [first.status, first.header('upload-offset'), first.header('content-location')],
      [204, '3', undefined],
    );
    assert.ok(Date.parse(first.header('upload-expires') ?? '') > Date.now());
    const head = await calls.call('HEAD', url, TUS);
    assert.deepEqual(
      ['upload-offset', 'upload-length', 'upload-metadata', 'cache-control', 'tus-resumable'].map(head.header),
      ['3', '6', metadata, 'no-store', '1.0.0'],
    );
    assert.deepEqual([head.status, head.text], [200, '']);
    const last = await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '3' }, 'def');
    assert.equal(last.header('upload-expires'), undefined);
    const [file] = calls.bench.stored;
    assert.equal(last.header('content-location'), `http://test/v1/files/${file?.id}`);
    assert.deepEqual([file?.name, file?.size], ['a.txt', 6]);
    const repeated = await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '6' }, '');
    assert.deepEqual([repeated.status, repeated.header('upload-offset')], [204, '6']);
  });

  test('data may come with the creation, and nothing is kept when it is refused', async () => {
    await using calls = await createUploadCalls();
    const creation = { ...CHUNK, 'upload-length': '3' };
    const answer = await calls.call('POST', '/v1/uploads', creation, 'abc');
    assert.deepEqual([answer.status, answer.header('upload-offset')], [201, '3']);
    assert.ok(answer.header('content-location'));
    const checksum = { ...creation, 'upload-checksum': `md5 ${createHash('md5').update('abd').digest('base64')}` };
    assert.equal((await calls.call('POST', '/v1/uploads', checksum, 'abc')).status, 460);
    const digest = `sha-256=:${createHash('sha256').update('abd').digest('base64')}:`;
    for (const header of ['content-digest', 'repr-digest']) {
      const wrong = await calls.call('POST', '/v1/uploads', { ...creation, [header]: digest }, 'abc');
      assert.deepEqual([wrong.status, wrong.json().code], [400, 'digest_mismatch'], header);
      const malformed = await calls.call('POST', '/v1/uploads', { ...creation, [header]: 'sha-256=:AA==:' }, 'abc');
      assert.deepEqual([malformed.status, malformed.json().code], [400, 'bad_request'], header);
    }
    const coded = await calls.call('POST', '/v1/uploads', { ...creation, 'content-encoding': 'gzip' }, 'abc');
    assert.equal(coded.status, 415);
    assert.equal((await calls.call('POST', '/v1/uploads', creation, 'abcd')).status, 413);
    assert.equal((await calls.call('POST', '/v1/uploads', { ...TUS, 'upload-length': '3' }, 'abc')).status, 415);
    assert.equal((await Array.fromAsync(calls.bench.storage.growing.list())).length, 1);
  });

  test('a deferred length shows until it is told', async () => {
    await using calls = await createUploadCalls();
    const answer = await calls.call('POST', '/v1/uploads', { ...TUS, 'upload-defer-length': '1' });
    const url = answer.header('location') ?? '';
    const head = await calls.call('HEAD', url, TUS);
    assert.deepEqual([head.header('upload-defer-length'), head.header('upload-length')], ['1', undefined]);
    await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '0', 'upload-length': '4' }, 'ab');
    const later = await calls.call('HEAD', url, TUS);
    assert.deepEqual([later.header('upload-defer-length'), later.header('upload-length')], [undefined, '4']);
  });

  const refusals: readonly [string, Headers, string | undefined, number][] = [
    ['no version', { ...CHUNK, 'tus-resumable': '' }, 'x', 412],
    ['another version', { ...CHUNK, 'tus-resumable': '0.2.2' }, 'x', 412],
    ['another content type', { ...CHUNK, 'content-type': 'text/plain' }, 'x', 415],
    ['no offset', { ...CHUNK, 'upload-offset': '' }, 'x', 400],
    ['another offset', { ...CHUNK, 'upload-offset': '1' }, 'x', 409],
    ['too many bytes', CHUNK, 'abcdefg', 413],
    ['an unknown checksum algorithm', { ...CHUNK, 'upload-checksum': 'crc32 AAAA' }, 'x', 400],
    ['a wrong checksum', { ...CHUNK, 'upload-checksum': 'sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=' }, 'x', 460],
  ];
  for (const [why, headers, body, status] of refusals) {
    test(`a PATCH is answered ${status} for ${why}, and the upload goes on`, async () => {
      await using calls = await createUploadCalls();
      const url = await create(calls, 6);
      const refused = await calls.call('PATCH', url, { 'upload-offset': '0', ...headers }, body);
      assert.equal(refused.status, status);
      assert.equal(refused.header('content-type'), 'application/problem+json');
      assert.equal(refused.header('access-control-allow-origin'), '*');
      assert.equal(refused.header('tus-resumable'), '1.0.0');
      if (status === 412) assert.equal(refused.header('tus-version'), '1.0.0');
      if (status === 409) assert.equal(refused.header('upload-offset'), '0');
      assert.equal((await calls.call('HEAD', url, TUS)).header('upload-offset'), '0');
      const good = await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '0' }, 'abcdef');
      assert.equal(good.status, 204);
    });
  }

  test('an unknown upload is 404, whatever is asked of it', async () => {
    await using calls = await createUploadCalls();
    for (const id of ['01ARZ3NDEKTSV4RRFFQ69G5FAV', '..%2f..%2fetc', 'x']) {
      for (const method of ['HEAD', 'PATCH', 'DELETE']) {
        const answer = await calls.call(method, `/v1/uploads/${id}`, { ...CHUNK, 'upload-offset': '0' });
        assert.equal(answer.status, 404, `${method} ${id}`);
      }
    }
  });

  test('DELETE removes, also as POST with an override', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls, 6);
    assert.equal((await calls.call('DELETE', url)).status, 412);
    assert.equal((await calls.call('POST', url, { ...TUS, 'x-http-method-override': 'DELETE' })).status, 204);
    assert.equal((await calls.call('HEAD', url, TUS)).status, 404);
    assert.equal((await calls.call('DELETE', url, TUS)).status, 404);
    assert.equal((await calls.call('POST', url, TUS)).status, 405);
  });

  test('an override is a method in any case; without one, or by another, a POST is 405 and told what to use', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls, 6);
    for (const override of [{}, { 'x-http-method-override': 'PUT' }]) {
      const refused = await calls.call('POST', url, { ...TUS, ...override });
      assert.deepEqual([refused.status, refused.header('allow')], [405, 'DELETE, GET, HEAD, OPTIONS, PATCH']);
    }
    const patch = { ...CHUNK, 'upload-offset': '0', 'x-http-method-override': 'patch' };
    assert.equal((await calls.call('POST', url, patch, 'abc')).status, 204);
    assert.equal((await calls.call('POST', url, { ...TUS, 'x-http-method-override': 'Delete' })).status, 204);
  });

  test('a joined upload tells its parts and takes no bytes', async () => {
    await using calls = await createUploadCalls();
    const parts = [];
    for (const text of ['abc', 'de']) {
      const url = await create(calls, text.length, { 'upload-concat': 'partial' });
      assert.equal((await calls.call('HEAD', url, TUS)).header('upload-concat'), 'partial');
      await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '0' }, text);
      parts.push(url);
    }
    const final = await calls.call('POST', '/v1/uploads', { ...TUS, 'upload-concat': `final;${parts.join(' ')}` });
    assert.equal(final.status, 201);
    const head = await calls.call('HEAD', final.header('location') ?? '', TUS);
    const paths = parts.map((url) => new URL(url).pathname).join(' ');
    assert.deepEqual(['upload-concat', 'upload-offset', 'upload-length'].map(head.header), [
      `final;${paths}`,
      '5',
      '5',
    ]);
    const patch = await calls.call('PATCH', final.header('location') ?? '', { ...CHUNK, 'upload-offset': '5' }, 'x');
    assert.equal(patch.status, 403);
    assert.equal(calls.bench.stored[0]?.size, 5);
  });

  test('a full server says 503 with Retry-After, at the creation and at a PATCH, never 429', async () => {
    await using limited = await createUploadCalls({ rateLimit: 1 });
    const url = await create(limited, 6);
    const second = await limited.call('POST', '/v1/uploads', { ...TUS, 'upload-length': '6' });
    assert.equal(second.status, 503);
    assert.match(second.header('retry-after') ?? '', /^[1-9]\d*$/);
    assert.equal((await limited.call('PATCH', url, { ...CHUNK, 'upload-offset': '0' }, 'abc')).status, 204);

    await using full = await createUploadCalls({ maxUploads: 1 });
    const urls = [await create(full, 6), await create(full, 6)] as const;
    const running = full.start('PATCH', new URL(urls[0]).pathname, {
      ...CHUNK,
      'upload-offset': '0',
      'content-length': '6',
    });
    const refused = await full.call('PATCH', urls[1], { ...CHUNK, 'upload-offset': '0' }, 'abc');
    assert.deepEqual([refused.status, refused.header('retry-after')], [503, '2']);
    running.send('abcdef');
    running.end();
    assert.equal((await running.answered).status, 204);
    assert.equal((await full.call('PATCH', urls[1], { ...CHUNK, 'upload-offset': '0' }, 'abc')).status, 204);
  });

  test('a second PATCH hears 423 while the first is sent, and HEAD does not disturb it', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls, 6);
    const path = new URL(url).pathname;
    const first = calls.start('PATCH', path, { ...CHUNK, 'upload-offset': '0', 'content-length': '6' });
    first.send('abc');
    const second = await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '0' }, 'abc');
    assert.deepEqual([second.status, second.json().code], [423, 'locked']);
    assert.equal((await calls.call('HEAD', url, TUS)).status, 200);
    first.send('def');
    first.end();
    assert.deepEqual([(await first.answered).status, (await first.answered).header('upload-offset')], [204, '6']);
  });

  test('work named in the metadata is refused at once if it cannot be, and linked when it starts', async () => {
    const { AppError } = await import('../../core/errors.ts');
    const jobs: string[] = [];
    const work = {
      check(metadata: ReadonlyMap<string, string>) {
        if (metadata.get('task') === 'nothing') throw new AppError('invalid_input', 'no such task');
      },
      start: async ({ jobId }: { jobId: string }) => void jobs.push(jobId),
    };
    await using calls = await createUploadCalls({ work });
    const bad = { ...TUS, 'upload-length': '1', 'upload-metadata': `task ${base64('nothing')}` };
    assert.equal((await calls.call('POST', '/v1/uploads', bad)).status, 422);
    const url = await create(calls, 1, { 'upload-metadata': `task ${base64('pdf2image')}` });
    const done = await calls.call('PATCH', url, { ...CHUNK, 'upload-offset': '0' }, 'x');
    assert.equal(done.header('link'), `<http://test/v1/jobs/${jobs[0]}>; rel="job"`);
    assert.equal((await calls.call('HEAD', url, TUS)).header('link'), done.header('link'));
    assert.equal(jobs.length, 1);
  });
});
