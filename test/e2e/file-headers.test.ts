import assert from 'node:assert/strict';
import { request } from 'node:http';
import { suite, test } from 'node:test';
import { startServer, type TestServer } from './server.ts';

interface StoredFile {
  name: string;
  sha256: string;
  url: string;
}

async function store(server: TestServer): Promise<StoredFile> {
  return (await (await fetch(`${server.url}/file`, { method: 'POST', body: '0123456789' })).json()) as StoredFile;
}

/** `fetch` would join lines of one name. */
async function send(url: string, method: string, lines: readonly string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request(url, { method, headers: ['host', new URL(url).host, ...lines] });
  sent.on('error', reject);
  sent.on('response', (answer) => resolve(answer.resume().statusCode ?? 0));
  sent.end();
  return promise;
}

/** What stands in a header, and the name that it gives; without one a file is called upload. */
const NAMES: readonly (readonly [disposition: string, name: string])[] = [
  ["attachment; filename*=UTF-8''%e2%82%ac.txt", '€.txt'],
  ["attachment; filename=plain.txt; filename*=UTF-8''%e2%82%ac.txt", '€.txt'],
  ["attachment; filename*=UTF-8''%e2%82%ac.txt; filename=plain.txt", '€.txt'],
  ['attachment; filename="a \\"b\\"; c.txt"', 'a "b"; c.txt'],
  ['attachment; FileName = a.txt ; x=y', 'a.txt'],
  ['inline;filename="€.txt"', '€.txt'],
  ['attachment; filename="Ã©.txt"', 'Ã©.txt'],
  ["attachment; filename*=UTF-8''%zz", 'upload'],
  ['attachment; filename="a.txt', 'upload'],
  ['; =; "', 'upload'],
];

/** A header's bytes as `fetch` takes them. */
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

for (const transport of ['uws', 'node'] as const) {
  suite(`headers of files over ${transport}`, () => {
    const start = () => startServer({ args: ['--transport', transport] });

    test('DELETE honours If-Match and If-None-Match, and the file stays where they fail', async () => {
      await using server = await start();
      const { url, sha256 } = await store(server);
      for (const headers of [
        { 'if-match': '"other"' },
        { 'if-match': `W/"${sha256}"` },
        { 'if-none-match': '*' },
        { 'if-none-match': `"other", W/"${sha256}"` },
      ]) {
        const refused = await fetch(url, { method: 'DELETE', headers });
        const { code } = (await refused.json()) as { code: string };
        assert.deepEqual([refused.status, code], [412, 'precondition_failed'], JSON.stringify(headers));
      }
      assert.equal(await (await fetch(url)).text(), '0123456789');
      assert.equal((await fetch(url, { method: 'DELETE', headers: { 'if-match': `"${sha256}"` } })).status, 204);
      assert.equal((await fetch(url, { method: 'DELETE', headers: { 'if-match': '*' } })).status, 404);
    });

    test('a second line of If-Match or If-None-Match counts like the first', async () => {
      await using server = await start();
      const { url, sha256 } = await store(server);
      const twice = (name: string) => [name, '"other"', name, `"${sha256}"`];
      assert.equal(await send(url, 'GET', twice('If-None-Match')), 304);
      assert.equal(await send(url, 'GET', twice('If-Match')), 200);
      assert.equal(await send(url, 'DELETE', twice('If-Match')), 204);
    });

    test('Content-Disposition names a file as RFC 6266 says, on raw and on IETF uploads', async () => {
      await using server = await start();
      for (const [disposition, name] of NAMES) {
        for (const [path, headers] of [
          ['/file', {}],
          ['/v1/files', {}],
          ['/v1/uploads', { 'upload-complete': '?1' }],
        ] as const) {
          const answer = await fetch(server.url + path, {
            ...{ method: 'POST', body: 'x' },
            headers: { ...headers, 'content-disposition': utf8(disposition) },
          });
          assert.deepEqual([answer.status, ((await answer.json()) as StoredFile).name], [201, name], disposition);
        }
      }
    });

    test('Repr-Digest stands on answers with the file, not on problems with it', async () => {
      await using server = await start();
      const { url } = await store(server);
      for (const [status, headers] of [
        [200, {}],
        [206, { range: 'bytes=0-1' }],
        [412, { 'if-match': '"other"' }],
        [416, { range: 'bytes=10-' }],
      ] as const) {
        const answer = await fetch(url, { headers });
        assert.deepEqual([answer.status, answer.headers.has('repr-digest')], [status, status < 300]);
      }
    });
  });
}
