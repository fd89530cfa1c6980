import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { createUploadCalls, type Headers, type UploadCalls } from '../../../test/fixtures/upload-calls.ts';

const PART = { 'content-type': 'application/partial-upload', 'upload-complete': '?0' };
const LAST = { ...PART, 'upload-complete': '?1' };
const digest = (text: string) => `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;

async function create({ call }: UploadCalls, headers: Headers = {}): Promise<string> {
  const answer = await call('POST', '/v1/uploads', { 'upload-complete': '?0', ...headers });
  assert.deepEqual([answer.status, answer.header('upload-complete'), answer.header('upload-offset')], [201, '?0', '0']);
  return answer.header('location') ?? assert.fail('no Location');
}

/** Resolves when the first bytes of a running append count. */
async function untilStored({ bench }: UploadCalls, path: string): Promise<void> {
  const id = path.split('/').at(-1) ?? '';
  while ((await bench.store.status(id, 'look')).offset === 0) await new Promise(setImmediate);
}

const typeOf = (problem: Record<string, unknown>) => String(problem.type).split('#')[1];

suite('IETF upload routes', () => {
  test('a whole file in one request is answered like a conventional upload', async () => {
    await using calls = await createUploadCalls();
    const headers = { 'upload-complete': '?1', 'content-disposition': 'inline; filename="a b.txt"' };
    const answer = await calls.call('POST', '/v1/uploads', headers, 'hello');
    const json = answer.json();
    assert.deepEqual([answer.status, json.name, json.size], [201, 'a b.txt', 5]);
    assert.deepEqual([answer.header('upload-complete'), answer.header('location')], ['?1', json.url]);
    assert.equal((await calls.call('POST', '/v1/uploads', { 'upload-complete': '?1' })).json().size, 0);
  });

  test('a part without Upload-Complete is 400 of this protocol, not 412 of tus', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls);
    const part = { 'content-type': PART['content-type'], 'upload-offset': '0' };
    const refused = await calls.call('PATCH', url, part, 'abc');
    assert.deepEqual([refused.status, refused.json().code], [400, 'bad_request']);
    assert.deepEqual(['upload-complete', 'tus-resumable'].map(refused.header), ['?0', undefined]);
  });

  test('an upload is created empty, appended to, asked for its offset, and completed', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls, { 'upload-length': '6' });
    const part = await calls.call('PATCH', url, { ...PART, 'upload-offset': '0' }, 'abc');
    assert.deepEqual([part.status, part.header('upload-complete')], [204, '?0']);
    const head = await calls.call('HEAD', url, { 'upload-draft-interop-version': '8' });
    assert.deepEqual(['upload-offset', 'upload-complete', 'upload-length', 'cache-control'].map(head.header), [
      '3',
      '?0',
      '6',
      'no-store',
    ]);
    assert.match(head.header('upload-limit') ?? '', /^max-size=1000, max-age=\d+$/);
    assert.equal(head.status, 204);
    const last = await calls.call('PATCH', url, { ...LAST, 'upload-offset': '3' }, 'def');
    assert.deepEqual([last.status, last.json().size, last.header('upload-complete')], [201, 6, '?1']);
    assert.equal((await calls.call('HEAD', url)).header('upload-complete'), '?1');
    const again = await calls.call('PATCH', url, { ...LAST, 'upload-offset': '6' }, '');
    assert.deepEqual([again.status, again.json().id], [201, last.json().id]);
    const more = await calls.call('PATCH', url, { ...LAST, 'upload-offset': '6' }, 'x');
    assert.deepEqual([more.status, typeOf(more.json())], [400, 'completed-upload']);
    const elsewhere = await calls.call('PATCH', url, { ...PART, 'upload-offset': '1' }, '');
    assert.deepEqual([elsewhere.status, typeOf(elsewhere.json())], [400, 'completed-upload']);
  });

  test('all bytes are not yet a complete upload: an empty append says so', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls, { 'upload-length': '3' });
    await calls.call('PATCH', url, { ...PART, 'upload-offset': '0' }, 'abc');
    assert.equal((await calls.call('HEAD', url)).header('upload-complete'), '?0');
    assert.deepEqual(calls.bench.stored, []);
    assert.equal((await calls.call('PATCH', url, { ...LAST, 'upload-offset': '3' })).status, 201);
  });

  test('another offset is 409 with the problem type and both offsets', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls);
    const answer = await calls.call('PATCH', url, { ...PART, 'upload-offset': '2' }, 'abc');
    const problem = answer.json();
    assert.deepEqual(
      [answer.status, answer.header('upload-offset'), answer.header('upload-complete')],
      [409, '0', '?0'],
    );
    assert.equal(problem.type, 'https://iana.org/assignments/http-problem-types#mismatching-upload-offset');
    assert.deepEqual([problem['expected-offset'], problem['provided-offset']], [0, 2]);
  });

  test('lengths that do not fit together are 400 with their problem type', async () => {
    await using calls = await createUploadCalls();
    const wrong = await calls.call('POST', '/v1/uploads', { 'upload-complete': '?1', 'upload-length': '9' }, 'abc');
    assert.deepEqual([wrong.status, typeOf(wrong.json())], [400, 'inconsistent-upload-length']);
    const url = await create(calls, { 'upload-length': '3' });
    const beyond = await calls.call('PATCH', url, { ...PART, 'upload-offset': '0' }, 'abcd');
    assert.deepEqual([beyond.status, typeOf(beyond.json())], [400, 'inconsistent-upload-length']);
  });

  test('what is too large is 413 and tells the limit', async () => {
    await using calls = await createUploadCalls();
    const answer = await calls.call('POST', '/v1/uploads', { 'upload-complete': '?0', 'upload-length': '1001' });
    assert.deepEqual([answer.status, answer.header('upload-limit')], [413, 'max-size=1000']);
    assert.equal((await calls.call('OPTIONS', '/v1/uploads')).header('upload-limit'), 'max-size=1000');
  });

  test('an upload that grows past its length without announcing it is over', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls, { 'upload-length': '3' });
    const path = new URL(url).pathname;
    const running = calls.start('PATCH', path, { ...PART, 'upload-offset': '0', 'transfer-encoding': 'chunked' });
    running.send('abcd');
    running.end();
    assert.equal((await running.answered).status, 413);
    assert.equal((await calls.call('HEAD', url)).status, 404);
  });

  test('bytes go by their own content type', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls);
    const answer = await calls.call('PATCH', url, { ...PART, 'content-type': 'text/plain', 'upload-offset': '0' }, 'a');
    assert.equal(answer.status, 415);
  });

  for (const [what, method, headers] of [
    ['HEAD', 'HEAD', {}],
    ['an append', 'PATCH', { ...PART, 'upload-offset': '3' }],
  ] as const) {
    test(`${what} takes over from a running append, whose bytes so far stay`, async () => {
      await using calls = await createUploadCalls();
      const url = await create(calls);
      const path = new URL(url).pathname;
      const running = calls.start('PATCH', path, { ...PART, 'upload-offset': '0', 'content-length': '9' });
      running.send('abc');
      await untilStored(calls, path);
      const next = await calls.call(method, url, headers);
      assert.equal((await running.answered).status, 423);
      assert.deepEqual([next.status, next.header('upload-offset')], [204, '3']);
    });
  }

  test('DELETE cancels, and stops a running append', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls);
    const running = calls.start('PATCH', new URL(url).pathname, {
      ...PART,
      'upload-offset': '0',
      'content-length': '9',
    });
    running.send('abc');
    await untilStored(calls, new URL(url).pathname);
    assert.equal((await calls.call('DELETE', url)).status, 204);
    assert.equal((await running.answered).status, 410);
    assert.equal((await calls.call('HEAD', url)).status, 404);
  });

  test('a Repr-Digest that cannot be read and content that is coded are refused at once', async () => {
    await using calls = await createUploadCalls();
    for (const [header, value, status] of [
      ['repr-digest', 'sha-256=:AA==:', 400],
      ['content-encoding', 'gzip', 415],
    ] as const) {
      const answer = await calls.call('POST', '/v1/uploads', { 'upload-complete': '?1', [header]: value }, 'abc');
      assert.equal(answer.status, status);
    }
    assert.deepEqual(await Array.fromAsync(calls.bench.storage.growing.list()), []);
  });

  test('a body that was lost on the way does not have its digest', async () => {
    await using calls = await createUploadCalls();
    const lost = { 'upload-complete': '?1', 'content-length': '0', 'content-digest': digest('abc') };
    const answer = await calls.call('POST', '/v1/uploads', lost);
    assert.deepEqual([answer.status, answer.json().code], [400, 'digest_mismatch']);
    assert.deepEqual(calls.bench.stored, []);
  });

  test('a wrong Content-Digest takes the content back, a wrong Repr-Digest the upload', async () => {
    await using calls = await createUploadCalls();
    const url = await create(calls, { 'repr-digest': digest('abcdef') });
    const wrong = await calls.call(
      'PATCH',
      url,
      { ...PART, 'upload-offset': '0', 'content-digest': digest('x') },
      'abc',
    );
    assert.deepEqual([wrong.status, wrong.json().code], [400, 'digest_mismatch']);
    assert.equal((await calls.call('HEAD', url)).header('upload-offset'), '0');
    await calls.call('PATCH', url, { ...PART, 'upload-offset': '0', 'content-digest': digest('abc') }, 'abc');
    const end = await calls.call('PATCH', url, { ...LAST, 'upload-offset': '3' }, 'xyz');
    assert.deepEqual([end.status, end.json().code], [400, 'digest_mismatch']);
    assert.deepEqual([(await calls.call('HEAD', url)).status, calls.bench.stored], [404, []]);
  });
});
