import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { suite, test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { createAddressGuard } from './address-guard.ts';
import { fetchUrl } from './fetch-url.ts';

const guard = createAddressGuard({ allow: ['127.0.0.1'] });
const OK = 'HTTP/1.1 200 OK\r\n';

/** A server that sends these bytes to whoever connects, and closes. */
async function startStandIn(reply: string): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => socket.end(Buffer.from(reply, 'latin1')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function download(url: string): Promise<string> {
  const signal = new AbortController().signal;
  const { source } = await fetchUrl(url, { guard, signal, maxBytes: 1e6, timeoutMs: 10_000 });
  let text = '';
  for (let chunk = await source.next(); chunk; chunk = await source.next()) text += Buffer.from(chunk).toString();
  return text;
}

suite('fetch by URL from a server that does not speak HTTP well', () => {
  for (const [what, reply] of [
    ['garbage', 'rubbish, and no end of it\r\n\r\n'],
    ['binary garbage', '\x00\x01\x02\xff\xfe'],
    ['nothing at all', ''],
    ['half a status line', 'HTTP/1.1 20'],
    ['HTTP/0.9', 'HTTP/0.9 junk\r\n\r\nx'],
    ['a negative Content-Length', `${OK}Content-Length: -1\r\n\r\nx`],
    ['two Content-Lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy`],
    ['a bad chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`],
    ['a bad second chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n-4\r\nabc\r\n0\r\n\r\n`],
    ['a control character in a header', `${OK}X-A: a\x01b\r\nContent-Length: 1\r\n\r\nx`],
    ['a control character in a name', `${OK}X\x01: a\r\nContent-Length: 1\r\n\r\nx`],
    ['a line feed in a header', `${OK}X-A: a\n\nb\r\nContent-Length: 5\r\n\r\nx`],
    ['endless headers', `${OK}X-A: ${'a'.repeat(200_000)}\r\nContent-Length: 1\r\n\r\nx`],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx'],
    ['a transfer coding that was not asked for', `${OK}Transfer-Encoding: gzip\r\n\r\nabc`],
    ['a transfer coding below the chunks', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`],
    ['a redirect to garbage', 'HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n'],
  ] as const) {
    test(`${what} is the caller's error, told as such`, async () => {
      await using server = await startStandIn(reply);
      await assert.rejects(download(`http://127.0.0.1:${server.port}/x`), (error) => {
        assert.ok(error instanceof AppError, String(error));
        assert.deepEqual([error.code, error.message.length > 20], ['bad_request', true]);
        return true;
      });
    });
  }

  test('a TLS alert is the caller’s error, told as such', async () => {
    await using server = await startStandIn('\x15\x03\x03\x00\x02\x02\x28');
    await assert.rejects(download(`https://127.0.0.1:${server.port}/x`), { code: 'bad_request' });
  });

  test('a reset is not the end of an answer without a length', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.write(`${OK}\r\n${'x'.repeat(50_000)}`));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [connected, signal] = [once(server, 'connection'), new AbortController().signal];
    const { source } = await fetchUrl(`http://127.0.0.1:${port}/`, { guard, signal, maxBytes: 1e6, timeoutMs: 10_000 });
    let bytes = 0;
    while (bytes < 50_000) bytes += (await source.next())?.byteLength ?? assert.fail('it ended');
    const [socket] = await connected;
    socket.resetAndDestroy();
    await assert.rejects(source.next(), { code: 'bad_request', message: /dropped the connection/ });
    server.close();
  });

  test('a Content-Disposition that cannot be read costs only the name', async () => {
    const broken = `${OK}Content-Disposition: attachment; filename*=utf-8''%zz; ;; =\r\nContent-Length: 2\r\n\r\nhi`;
    await using server = await startStandIn(broken);
    assert.equal(await download(`http://127.0.0.1:${server.port}/x`), 'hi');
  });
});
