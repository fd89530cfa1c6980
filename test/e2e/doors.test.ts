import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { blobsOf, filesBelow, startServer, type TestServer } from './server.ts';

const PDF = readFileSync(new URL('../../data/sample-1-page.pdf', import.meta.url));

interface FileJson {
  id: string;
  name: string;
  size: number;
  sha256: string;
  media_type: string;
  url: string;
}

function sha(algorithm: string, bytes: Uint8Array): Buffer {
  return createHash(algorithm).update(bytes).digest();
}

async function postJson(server: TestServer, path: string, value: unknown): Promise<Response> {
  return fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  });
}

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { code: string }).code;
}

function assertNothingKept(server: TestServer): void {
  assert.deepEqual(filesBelow(join(server.dataDir, 'tmp')), []);
  assert.deepEqual(blobsOf(server.dataDir), []);
}

for (const transport of ['uws', 'node'] as const) {
  suite(`doors over ${transport}`, () => {
    const start = (...args: string[]) => startServer({ args: ['--transport', transport, ...args] });

    test('a form brings any number of files and fields', async () => {
      await using server = await start();
      const form = new FormData();
      const contents = Array.from({ length: 20 }, (_, index) => randomBytes(index * 50_000));
      for (const [index, bytes] of contents.entries()) form.append('f', new File([bytes], `größe-${index}.bin`));
      form.append('note', 'hällo');
      const answer = await fetch(`${server.url}/v1/files`, { method: 'POST', body: form });
      const stored = (await answer.json()) as { files: (FileJson & { field: string })[]; fields: unknown };
      assert.equal(answer.status, 201);
      assert.deepEqual(
        stored.files.map(({ sha256 }) => sha256),
        contents.map((bytes) => sha('sha256', bytes).toString('hex')),
      );
      assert.deepEqual(
        [stored.files[3]?.name, stored.files[3]?.field, stored.fields],
        ['größe-3.bin', 'f', { note: 'hällo' }],
      );
    });

    for (const [what, body, code] of [
      [
        'truncated in a file',
        '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nabc',
        'bad_multipart',
      ],
      ['without a boundary in it', 'nothing', 'bad_multipart'],
      ['with a part that has no name', '--b\r\nContent-Type: text/plain\r\n\r\nabc\r\n--b--\r\n', 'bad_multipart'],
      [
        'with a good file before a broken part',
        '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nabc\r\n--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--\r\n',
        'bad_multipart',
      ],
    ] as const) {
      test(`a form ${what} is ${code} and leaves nothing`, async () => {
        await using server = await start();
        const headers = { 'content-type': 'multipart/form-data; boundary=b' };
        const answer = await fetch(`${server.url}/v1/files`, { method: 'POST', headers, body });
        assert.deepEqual([answer.status, await codeOf(answer)], [400, code]);
        assertNothingKept(server);
      });
    }

    test('base64 in JSON is the file, its name before or behind it', async () => {
      await using server = await start();
      const bytes = randomBytes(3_000_001);
      for (const body of [
        { name: 'a.bin', base64: bytes.toString('base64') },
        { base64: `data:x/y;base64,${bytes.toString('base64')}`, name: 'a.bin' },
      ]) {
        const file = (await (await postJson(server, '/v1/files', body)).json()) as FileJson;
        assert.deepEqual(
          [file.size, file.name, file.sha256],
          [3_000_001, 'a.bin', sha('sha256', bytes).toString('hex')],
        );
      }
    });

    test('a name that is null is like none', async () => {
      await using server = await start();
      const answer = await postJson(server, '/v1/files', { name: null, base64: 'aGVsbG8=' });
      assert.deepEqual([answer.status, ((await answer.json()) as FileJson).name], [201, 'upload']);
    });

    for (const [body, code] of [
      [{ base64: 'aGVsbG8=', name: 3 }, 'bad_request'],
      [{ base64: 'aGVsbG8' }, 'bad_base64'],
      [{ base64: 'aGVs*G8=' }, 'bad_base64'],
      [{ base64: 'aGVsbG9=' }, 'bad_base64'],
      [{ base64: 'aGVsbG8=', url: 'http://example.org/' }, 'bad_request'],
      [{ name: 'x' }, 'bad_request'],
      [{ url: 'file:///etc/passwd' }, 'bad_request'],
      [['aGVsbG8='], 'bad_request'],
    ] as const) {
      test(`${JSON.stringify(body)} is ${code} and leaves nothing`, async () => {
        await using server = await start();
        const answer = await postJson(server, '/v1/files', body);
        assert.deepEqual([answer.status, await codeOf(answer)], [400, code]);
        assertNothingKept(server);
      });
    }

    test('a URL is fetched where the allow-list lets it, and refused as blocked_address where not', async () => {
      const bytes = randomBytes(500_000);
      let visits = 0;
      const origin = createServer((_request, response) => {
        visits += 1;
        response.end(bytes);
      }).listen(0, '127.0.0.1');
      try {
        await once(origin, 'listening');
        const address = origin.address();
        assert.ok(address && typeof address === 'object');
        const url = `http://127.0.0.1:${address.port}/folder/photo.bin`;
        await using open = await start('--allow-addresses', '127.0.0.0/8');
        const file = (await (await postJson(open, '/v1/files', { url, name: null })).json()) as FileJson;
        assert.deepEqual([file.name, file.sha256], ['photo.bin', sha('sha256', bytes).toString('hex')]);
        await using guarded = await start();
        const seen = visits;
        for (const target of [
          url,
          url.replace('127.0.0.1', 'localhost'),
          url.replace('127.0.0.1', '[::ffff:7f00:1]'),
          url.replace('127.0.0.1', '2130706433'),
          'http://169.254.169.254/latest/',
        ]) {
          const answer = await postJson(guarded, '/v1/files', { url: target });
          assert.deepEqual([answer.status, await codeOf(answer)], [403, 'blocked_address'], target);
        }
        assert.equal(visits, seen);
        assertNothingKept(guarded);
      } finally {
        origin.closeAllConnections();
        origin.close();
      }
    });

    test('a task takes its file by form, base64 and id, with the input beside it', async () => {
      await using server = await start();
      const form = new FormData();
      form.append('file', new File([new Uint8Array(PDF)], 'a.pdf', { type: 'application/pdf' }));
      form.append('dpi', '36');
      const id = (
        (await (await fetch(`${server.url}/file`, { method: 'POST', body: new Uint8Array(PDF) })).json()) as FileJson
      ).id;
      for (const answer of [
        await fetch(`${server.url}/pdf2image`, { method: 'POST', body: form }),
        await postJson(server, '/v1/tasks/pdf2image', { base64: PDF.toString('base64'), dpi: 36 }),
        await postJson(server, '/pdf2image', { file: id, dpi: 36 }),
        await postJson(server, '/pdf2image?dpi=36', { file: id }),
      ]) {
        const { pages } = (await answer.json()) as { pages: { width: number }[] };
        assert.deepEqual([answer.status, Math.abs((pages[0]?.width ?? 0) - 298) <= 1], [200, true]);
      }
      const unknown = await postJson(server, '/pdf2image', { file: '01M7Y5QFXN5PQKEH3JH86C1X1E' });
      assert.equal(unknown.status, 404);
      assert.equal((await postJson(server, '/pdf2image?dpi=36', { file: id, dpi: 40 })).status, 422);
    });

    test('digests are verified while the body streams, and returned on files', async () => {
      await using server = await start();
      const bytes = randomBytes(2_000_000);
      const wrong = `sha-256=:${sha('sha256', Buffer.from('other')).toString('base64')}:`;
      for (const header of ['content-digest', 'repr-digest']) {
        const answer = await fetch(`${server.url}/file`, { method: 'POST', headers: { [header]: wrong }, body: bytes });
        assert.deepEqual([answer.status, await codeOf(answer)], [400, 'digest_mismatch']);
      }
      assertNothingKept(server);
      const right = `sha-512=:${sha('sha512', bytes).toString('base64')}:`;
      const answer = await fetch(`${server.url}/file`, {
        method: 'POST',
        headers: { 'content-digest': right },
        body: bytes,
      });
      assert.equal(answer.status, 201);
      const get = await fetch(`${server.url}/file`, { headers: { 'want-repr-digest': 'sha-512=9, sha-256=1' } });
      assert.equal(get.headers.get('repr-digest'), right);
      const malformed = await fetch(`${server.url}/file`, {
        method: 'POST',
        headers: { 'content-digest': 'sha-256=nonsense' },
        body: 'x',
      });
      assert.equal(malformed.status, 400);
    });

    test('a stalled form is ended with 408 after the grace and leaves nothing', async () => {
      await using server = await start('--upload-grace', '2', '--min-upload-rate', '1000');
      const socket = connect(server.port, '127.0.0.1');
      socket.write(
        'POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n',
      );
      let received = '';
      for await (const chunk of socket) {
        received += chunk;
        if (received.includes('upload_')) break;
      }
      assert.match(received, /^HTTP\/1\.1 408 /);
      assertNothingKept(server);
    });

    test('one caller is held to its uploads at once', async () => {
      await using server = await start('--max-caller-uploads', '1');
      const socket = connect(server.port, '127.0.0.1');
      socket.write('POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc');
      while (
        ((await (await fetch(`${server.url}/v1/server`)).json()) as { uploads: { active: number } }).uploads.active !==
        1
      );
      const refused = await fetch(`${server.url}/file`, { method: 'POST', body: 'x' });
      assert.deepEqual([refused.status, await codeOf(refused)], [503, 'too_many_uploads']);
      assert.ok(refused.headers.get('retry-after'));
      socket.destroy();
    });

    test('files that have expired are removed at start', async () => {
      await using server = await start('--retention', '1s');
      await fetch(`${server.url}/file`, { method: 'POST', body: 'old' });
      const { dataDir } = server;
      await new Promise((resolve) => setTimeout(resolve, 1100)); // the retention itself must pass
      await server.kill('SIGTERM');
      await using next = await startServer({ dataDir, args: ['--transport', transport, '--retention', '1s'] });
      while (blobsOf(dataDir).length > 0) await new Promise(setImmediate);
      assert.equal((await fetch(`${next.url}/file`)).status, 404);
    });
  });
}
