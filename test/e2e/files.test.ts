import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from '../fixtures/temporary.ts';
import { filesBelow, residentBytes, startServer, type TestServer } from './server.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;

interface StoredFile {
  id: string;
  name: string;
  size: number;
  sha256: string;
  media_type: string;
  url: string;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function temporaryFile(bytes: Uint8Array): string {
  const path = join(temporaryFolder('file'), 'random.bin');
  writeFileSync(path, bytes);
  return path;
}

/** Nothing half-written is left in the data directory. */
function assertNoTemporaryFiles(server: TestServer): void {
  assert.deepEqual(filesBelow(join(server.dataDir, 'tmp')), []);
}

for (const transport of ['uws', 'node'] as const) {
  suite(`files over ${transport}`, () => {
    const start = (...args: string[]) => startServer({ args: ['--transport', transport, ...args] });

    for (const size of [0, 1, 1000, 65_536, 5 * MIB + 17]) {
      test(`curl --data-binary of ${size} bytes is stored and comes back as it was`, async () => {
        await using server = await start();
        const bytes = randomBytes(size);
        const { stdout } = await run('curl', [
          '-sS',
          '--data-binary',
          `@${temporaryFile(bytes)}`,
          `${server.url}/file`,
        ]);
        const file = JSON.parse(stdout) as StoredFile;
        assert.deepEqual([file.size, file.sha256], [size, sha256(bytes)]);
        assert.equal(sha256(Buffer.from(await (await fetch(`${server.url}/file`)).arrayBuffer())), file.sha256);
        assert.equal(sha256(Buffer.from(await (await fetch(file.url)).arrayBuffer())), file.sha256);
      });
    }

    test('a chunked upload is stored, with 201, Location and a name from the query', async () => {
      await using server = await start();
      async function* body() {
        for (let part = 0; part < 100; part++) yield randomBytes(10_000);
      }
      const answer = await fetch(`${server.url}/v1/files?name=r%C3%A9sum%C3%A9.bin`, {
        method: 'POST',
        body: body(),
        duplex: 'half',
      } as RequestInit);
      const file = (await answer.json()) as StoredFile;
      assert.deepEqual(
        [answer.status, answer.headers.get('location'), file.size, file.name],
        [201, file.url, 1_000_000, 'résumé.bin'],
      );
    });

    test('HEAD tells the length without a body, ranges and conditions are honoured, DELETE deletes', async () => {
      await using server = await start();
      const file = (await (
        await fetch(`${server.url}/file?name=a.txt`, { method: 'POST', body: '0123456789' })
      ).json()) as StoredFile;
      const head = await fetch(file.url, { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '10', '']);
      const etag = head.headers.get('etag') ?? '';
      assert.equal(etag, `"${file.sha256}"`);
      for (const [range, status, text, contentRange] of [
        ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
        ['bytes=-3', 206, '789', 'bytes 7-9/10'],
        ['bytes=8-', 206, '89', 'bytes 8-9/10'],
        ['bytes=8-100', 206, '89', 'bytes 8-9/10'],
        ['bytes=4-2', 200, '0123456789', null],
        ['lines=1-2', 200, '0123456789', null],
      ] as const) {
        const answer = await fetch(file.url, { headers: { range } });
        assert.deepEqual(
          [answer.status, await answer.text(), answer.headers.get('content-range')],
          [status, text, contentRange],
          range,
        );
      }
      const beyond = await fetch(file.url, { headers: { range: 'bytes=10-' } });
      assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */10']);
      assert.equal((await fetch(file.url, { headers: { 'if-none-match': etag } })).status, 304);
      const stale = await fetch(file.url, { headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
      assert.deepEqual([stale.status, await stale.text()], [200, '0123456789']);
      assert.match(head.headers.get('content-disposition') ?? '', /^attachment; filename="?a\.txt"?$/);
      assert.equal(head.headers.get('x-content-type-options'), 'nosniff');
      assert.equal((await fetch(file.url, { method: 'DELETE' })).status, 204);
      assert.equal((await fetch(file.url)).status, 404);
    });

    test('a declared length above the limit is 413 before a byte is read, and the answer reaches a client that sends on', async () => {
      await using server = await start('--max-upload-bytes', '1MiB');
      const answer = await fetch(`${server.url}/file`, { method: 'POST', body: randomBytes(8 * MIB) });
      assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [413, 'too_large']);
      assertNoTemporaryFiles(server);
    });

    test('a chunked body that grows above the limit is 413 and leaves nothing', async () => {
      await using server = await start('--max-upload-bytes', '1MiB');
      const { stdout } = await run('curl', [
        '-sS',
        '-w',
        '%{http_code}',
        '-o',
        '/dev/null',
        '-H',
        'Transfer-Encoding: chunked',
        '-H',
        'Expect:',
        '--data-binary',
        `@${temporaryFile(randomBytes(4 * MIB))}`,
        `${server.url}/file`,
      ]);
      assert.equal(stdout, '413');
      assertNoTemporaryFiles(server);
      assert.equal((await fetch(`${server.url}/file`)).status, 404);
    });

    test('a POST without a body is 411', async () => {
      await using server = await start();
      const socket = connect(server.port, '127.0.0.1');
      socket.write('POST /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const [chunk] = await once(socket, 'data');
      assert.match(String(chunk), /^HTTP\/1\.1 411 /);
      socket.destroy();
    });

    test('a client that vanishes in the middle leaves nothing behind', async () => {
      await using server = await start();
      const lost = request(`${server.url}/file`, { method: 'POST', headers: { 'content-length': 10 * MIB } });
      lost.on('error', () => undefined); // it is torn down on purpose
      lost.write(randomBytes(MIB));
      while (filesBelow(join(server.dataDir, 'tmp')).length === 0) await new Promise(setImmediate);
      lost.destroy();
      while (filesBelow(join(server.dataDir, 'tmp')).length > 0) await new Promise(setImmediate);
      assert.equal((await fetch(`${server.url}/file`)).status, 404);
    });

    test('a 1 GB upload keeps the resident memory within 150 MB of idle', async () => {
      await using server = await start();
      const pid = server.child.pid ?? 0;
      await fetch(`${server.url}/file`, { method: 'POST', body: 'warm' });
      const idle = residentBytes(pid);
      const big = join(server.dataDir, 'big');
      await truncate(await writeFile(big, '').then(() => big), 1_000_000_000);
      let peak = idle;
      const watch = setInterval(() => (peak = Math.max(peak, residentBytes(pid))), 20);
      const sent = run('curl', ['-sS', '-X', 'POST', '-T', big, `${server.url}/file`]);
      const { stdout } = await sent.finally(() => clearInterval(watch));
      assert.equal((JSON.parse(stdout) as StoredFile).size, 1_000_000_000);
      assert.ok(peak - idle < 150e6, `grew by ${Math.round((peak - idle) / 1e6)} MB`);
    });
  });
}

test('kill -9 in the middle of uploads loses and alters nothing that was acknowledged and leaves no temporary file', async () => {
  const dataDir = temporaryFolder('kill');
  const acknowledged: StoredFile[] = [];
  {
    await using server = await startServer({ dataDir });
    const upload = async () => {
      const answer = await fetch(`${server.url}/file`, { method: 'POST', body: randomBytes(200_000) });
      acknowledged.push((await answer.json()) as StoredFile);
    };
    const enough = Promise.withResolvers<void>();
    const clients = Array.from({ length: 16 }, async () => {
      for (;;) {
        await upload();
        if (acknowledged.length >= 100) enough.resolve();
      }
    });
    for (const client of clients) client.catch(() => undefined); // each ends with the server
    await enough.promise;
    await server.kill('SIGKILL');
    await Promise.allSettled(clients);
  }
  await using server = await startServer({ dataDir });
  assertNoTemporaryFiles(server);
  for (const file of acknowledged) {
    const bytes = Buffer.from(await (await fetch(`${server.url}/v1/files/${file.id}`)).arrayBuffer());
    assert.equal(sha256(bytes), file.sha256);
  }
});

test('--trace shows a slow upload read-bound and a loopback upload write-bound', async () => {
  const lastWords = async (...curlArgs: string[]) => {
    await using server = await startServer({ args: ['--trace', '--channel-bytes', '64KiB'] });
    await run('curl', ['-sS', '-X', 'POST', ...curlArgs, `${server.url}/file`]);
    const lines = server
      .out()
      .split('\n')
      .filter((line) => /^\d+: .*->/.test(line));
    const last = (isWriter: boolean) =>
      lines.filter((line) => /^\d+: {20}/.test(line) === isWriter).map((line) => line.split('-> ').at(-1));
    return { reader: last(false), writer: last(true) };
  };
  const share = (words: readonly (string | undefined)[], word: string) =>
    words.filter((each) => each === word).length / words.length;

  const slow = await lastWords('--limit-rate', '50K', '-T', temporaryFile(randomBytes(200_000)));
  assert.ok(share(slow.reader, 'next()') > 0.7 && share(slow.writer, 'get()') > 0.7, JSON.stringify(slow));
  const fast = await lastWords('-T', temporaryFile(randomBytes(20 * MIB)));
  assert.ok(share(fast.writer, 'write()') > 0.7, JSON.stringify(fast));
});

test('the sample of the README is really there', () => {
  assert.equal(
    readFileSync(new URL('../../data/sample-17-pages.pdf', import.meta.url))
      .subarray(0, 5)
      .toString(),
    '%PDF-',
  );
});
