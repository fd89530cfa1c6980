import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ONE_PAGE } from './jobs-api.ts';
import { startServer, type TestServer } from './server.ts';

const FRESH = { 'cache-control': 'no-cache' };
const TUS = { 'tus-resumable': '1.0.0' };

/** What the answers of all calls here may hold. */
interface Answer {
  readonly status_code: number;
  readonly code?: string;
  readonly id: string;
  readonly status?: string;
  readonly page_count?: number;
  readonly jobs: readonly { readonly id: string }[];
  readonly pages: readonly { readonly url: string }[];
}

interface Caller {
  call(
    method: string,
    path: string,
    init?: { headers?: Record<string, string>; body?: Uint8Array | string },
  ): Promise<Response>;
  json(method: string, path: string, body?: Uint8Array | string, headers?: Record<string, string>): Promise<Answer>;
}

function callerOf({ url }: TestServer, key: string): Caller {
  const call: Caller['call'] = (method, path, { headers = {}, body } = {}) =>
    fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${key}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
  const json: Caller['json'] = async (method, path, body, headers = {}) => {
    const response = await call(method, path, { headers, ...(body === undefined ? {} : { body }) });
    return { ...((await response.json()) as Answer), status_code: response.status };
  };
  return { call, json };
}

for (const transport of ['uws', 'node'] as const) {
  suite(`what belongs to an API key, over ${transport}`, () => {
    let server: TestServer;
    let ann: Caller;
    let bob: Caller;
    before(async () => {
      server = await startServer({ args: ['--transport', transport, '--api-keys', 'ann-key,bob-key'] });
      [ann, bob] = [callerOf(server, 'ann-key'), callerOf(server, 'bob-key')];
    });
    after(() => server[Symbol.asyncDispose]());

    test('without a key, or with a wrong one, nothing is told', async () => {
      for (const key of ['', 'another'])
        assert.equal((await callerOf(server, key).json('GET', '/v1/jobs')).code, 'unauthorized');
    });

    test('a job is seen, followed, read and cancelled by its own key only', async () => {
      const { id, status_code } = await ann.json('POST', '/pdf2image?dpi=30', ONE_PAGE, {
        ...FRESH,
        prefer: 'respond-async',
      });
      assert.equal(status_code, 202);
      assert.equal((await ann.json('GET', `/v1/jobs/${id}?wait=20`)).status, 'succeeded');
      for (const path of ['', '/result', '/events', '/archive', '/pages/1']) {
        const refused = await bob.json('GET', `/v1/jobs/${id}${path}`);
        assert.deepEqual([refused.status_code, refused.code], [403, 'forbidden'], path);
        const response = await ann.call('GET', `/v1/jobs/${id}${path}`);
        assert.equal(response.status, 200, path);
        await response.body?.cancel();
      }
      assert.equal((await bob.json('DELETE', `/v1/jobs/${id}`)).code, 'forbidden');
      assert.deepEqual((await bob.json('GET', '/v1/jobs')).jobs, []);
      assert.deepEqual(
        (await ann.json('GET', '/v1/jobs')).jobs.map(({ id }) => id),
        [id],
      );
      // What does not exist is nobody's.
      assert.equal(
        (await bob.json('GET', `/v1/jobs/${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`)).code,
        'not_found',
      );
    });

    test('a file is read, used and removed by its own key only', async () => {
      const file = await ann.json('POST', '/v1/files?name=a.pdf', ONE_PAGE);
      const its = await bob.json('POST', '/file?name=b.pdf', ONE_PAGE);
      assert.equal((await bob.json('GET', `/v1/files/${file.id}`)).code, 'forbidden');
      assert.equal((await bob.json('DELETE', `/v1/files/${file.id}`)).code, 'forbidden');
      const call = JSON.stringify({ file: file.id, dpi: 31 });
      const asJson = { 'content-type': 'application/json' };
      assert.equal((await bob.json('POST', '/pdf2image', call, asJson)).code, 'forbidden');
      assert.equal((await ann.json('POST', '/pdf2image', call, asJson)).page_count, 1);
      const newest = await ann.call('GET', '/file');
      assert.match(newest.headers.get('content-disposition') ?? '', /a\.pdf/);
      await newest.body?.cancel();
      assert.equal((await bob.call('DELETE', `/v1/files/${its.id}`)).status, 204);
      assert.equal((await bob.json('GET', '/file')).code, 'not_found');
      assert.equal((await ann.call('DELETE', `/v1/files/${file.id}`)).status, 204);
    });

    test('an upload is continued, looked at, joined and ended by its own key only', async () => {
      const make = (caller: Caller) =>
        caller.call('POST', '/v1/uploads', { headers: { ...TUS, 'upload-length': '4', 'upload-concat': 'partial' } });
      const created = await make(ann);
      const path = new URL(created.headers.get('location') ?? '').pathname;
      const bytes = { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
      const looked = await bob.call('HEAD', path, { headers: TUS });
      assert.deepEqual([looked.status, looked.headers.get('tus-resumable')], [403, '1.0.0']);
      assert.equal((await bob.call('PATCH', path, { headers: bytes, body: 'abcd' })).status, 403);
      assert.equal((await bob.call('DELETE', path, { headers: TUS })).status, 403);
      assert.equal((await ann.call('PATCH', path, { headers: bytes, body: 'abcd' })).status, 204);
      const join = { ...TUS, 'upload-concat': `final;${path}` };
      assert.equal((await bob.json('POST', '/v1/uploads', undefined, join)).code, 'forbidden');
      const unknown = { ...TUS, 'upload-concat': 'final;/v1/uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV' };
      assert.equal((await bob.json('POST', '/v1/uploads', undefined, unknown)).code, 'not_found');
      const joined = await ann.call('POST', '/v1/uploads', { headers: join });
      assert.equal(joined.status, 201);
    });

    test('the same work of another key is done for itself', async () => {
      const work = (caller: Caller) => caller.call('POST', '/pdf2image?dpi=33', { body: ONE_PAGE });
      assert.equal((await work(ann)).headers.get('cache-status'), 'penstock; fwd=miss');
      const other = await work(bob);
      assert.equal(other.headers.get('cache-status'), 'penstock; fwd=miss');
      const [page = assert.fail('no page')] = ((await other.json()) as Answer).pages;
      assert.equal((await bob.call('GET', page.url)).status, 200);
      assert.equal((await ann.call('GET', page.url)).status, 403);
      assert.equal((await work(ann)).headers.get('cache-status'), 'penstock; hit');
    });
  });
}
