import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AppError } from '../core/errors.ts';
import { createAddressGuard } from './address-guard.ts';
import { type FetchUrlOptions, fetchUrl } from './fetch-url.ts';

const guard = createAddressGuard({
  allow: ['lan.test', '127.0.0.1'],
  resolve: async (name) => {
    if (name === 'lan.test') return [{ address: '127.0.0.1', family: 4 }];
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
  },
});

/** Answers by path; whatever it keeps open is dropped by closeAllConnections. */
const upstream: RequestListener = (request, response) => {
  const path = request.url ?? '/';
  const [, hops] = /^\/hops\/(\d+)$/.exec(path) ?? [];
  const [, status] = /^\/status\/(\d+)$/.exec(path) ?? [];
  if (hops !== undefined && hops !== '0') response.writeHead(302, { location: `${Number(hops) - 1}` }).end();
  else if (status !== undefined) response.writeHead(Number(status)).end();
  else if (path === '/headers') response.end(JSON.stringify(request.headers));
  else if (path === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('bomb'));
  else if (path === '/named') response.writeHead(200, NAMED).end('named');
  else if (path === '/chunked') response.write('x'.repeat(600), () => response.end('x'.repeat(400)));
  else if (path === '/cut-length') cut(response.writeHead(200, { 'content-length': 1000 }));
  else if (path === '/cut-chunked') cut(response);
  else if (path === '/stall-body') response.write('a little');
  else if (path !== '/stall-headers') response.setHeader('content-type', 'Text/Plain; charset=utf-8').end('hello');
};

const NAMED = { 'content-disposition': `attachment; filename="a.txt"; filename*=UTF-8''dir%2F%e2%82%ac.txt` };

function cut(response: ServerResponse): void {
  response.write('x'.repeat(500), () => response.socket?.end());
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

async function startServer(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Downloads and tells the outcome in a word: the code of the error, or the text of the file. */
async function outcome(url: string, options: Partial<FetchUrlOptions> = {}): Promise<string> {
  const signal = new AbortController().signal;
  try {
    const file = await fetchUrl(url, { guard, signal, maxBytes: 1e6, timeoutMs: 10_000, ...options });
    const chunks: Uint8Array[] = [];
    for (let chunk = await file.source.next(); chunk; chunk = await file.source.next()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('latin1');
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

suite('fetch by URL: what comes back', () => {
  let server: Server;
  let base: string;

  before(async () => {
    server = await startServer(upstream);
    base = `http://lan.test:${portOf(server)}`;
  });

  after(() => {
    server.close();
    server.closeAllConnections();
  });

  test('the bytes come with the name, type and length that the server declares', async () => {
    const signal = new AbortController().signal;
    const file = await fetchUrl(`${base}/dir/caf%C3%A9.txt?q=1#top`, { guard, signal, maxBytes: 5, timeoutMs: 5000 });
    assert.deepEqual([file.name, file.declaredType, file.declaredBytes], ['café.txt', 'text/plain', 5]);
    assert.equal(Buffer.from((await file.source.next()) ?? []).toString(), 'hello');
    assert.equal(await file.source.next(), undefined);
    assert.equal(await file.source.next(), undefined);
  });

  const names: [path: string, name: string | undefined][] = [
    ['/', undefined],
    ['/a/', undefined],
    ['/a/b.pdf', 'b.pdf'],
    ['/%zz', '%zz'],
    ['/..%2f..%2fetc%2fpasswd', 'passwd'],
    ['/a%5Cb.txt', 'b.txt'],
    ['/named', '€.txt'],
    ['/hops/3', '0'],
  ];
  for (const [path, name] of names) {
    test(`the name behind ${path} is ${name}`, async () => {
      const signal = new AbortController().signal;
      const file = await fetchUrl(base + path, { guard, signal, maxBytes: 100, timeoutMs: 5000 });
      assert.equal(file.name, name);
      for (let chunk = await file.source.next(); chunk; ) chunk = await file.source.next();
    });
  }

  const outcomes: [path: string, expected: string, options?: Partial<FetchUrlOptions>][] = [
    ['/hops/5', 'hello'],
    ['/hops/6', 'bad_request'],
    ['/x', 'hello', { maxBytes: 5 }],
    ['/x', 'too_large', { maxBytes: 4 }],
    ['/chunked', 'x'.repeat(1000), { maxBytes: 1000 }],
    ['/chunked', 'too_large', { maxBytes: 999 }],
    ['/gzip', 'bad_request'],
    ['/cut-length', 'bad_request'],
    ['/cut-chunked', 'bad_request'],
    ['/stall-headers', 'bad_request', { timeoutMs: 100 }],
    ['/stall-body', 'bad_request', { timeoutMs: 100 }],
    ...[201, 204, 206, 300, 302, 304, 400, 401, 403, 404, 410, 429, 500, 503].map((status): [string, string] => [
      `/status/${status}`,
      'bad_request',
    ]),
  ];
  for (const [path, expected, options] of outcomes) {
    test(`${path} with ${JSON.stringify(options ?? {})} ends in ${expected.slice(0, 20)}`, async () => {
      assert.equal(await outcome(base + path, options), expected);
    });
  }

  test('a host that is unknown or refuses is the caller’s error, not ours', async () => {
    assert.equal(await outcome('http://unknown.test/'), 'bad_request');
    const closed = await startServer(upstream);
    const port = portOf(closed);
    closed.close();
    await once(closed, 'close');
    assert.equal(await outcome(`http://127.0.0.1:${port}/`), 'bad_request');
  });

  test('only identity encoding is asked for, and nothing of ours is told', async () => {
    const headers = JSON.parse(await outcome(`${base}/headers`));
    assert.equal(headers['accept-encoding'], 'identity');
    assert.deepEqual(Object.keys(headers).sort(), ['accept', 'accept-encoding', 'connection', 'host', 'user-agent']);
  });

  for (const path of ['/stall-headers', '/stall-body']) {
    test(`the caller's signal ends ${path} with its own reason, and the connection closes`, async () => {
      const controller = new AbortController();
      const [download, arrived] = [
        outcome(base + path, { signal: controller.signal }),
        once(server, 'request') as Promise<[IncomingMessage]>,
      ];
      const [incoming] = await arrived;
      const gone = new Promise((resolved) => incoming.socket.once('close', resolved));
      controller.abort(new AppError('client_gone', 'the client went away'));
      assert.equal(await download, 'client_gone');
      await gone;
    });
  }

  test('a failed download never looks complete afterwards', async () => {
    const signal = new AbortController().signal;
    const file = await fetchUrl(`${base}/cut-length`, { guard, signal, maxBytes: 9999, timeoutMs: 5000 });
    const readAll = async () => {
      for (let chunk = await file.source.next(); chunk; ) chunk = await file.source.next();
    };
    await assert.rejects(readAll(), { code: 'bad_request' });
    await assert.rejects(file.source.next(), { code: 'bad_request' });
  });

  test('a signal that was aborted before starts nothing', async () => {
    const reason = new AppError('cancelled', 'no longer wanted');
    assert.equal(await outcome(`${base}/x`, { signal: AbortSignal.abort(reason) }), 'cancelled');
  });
});
