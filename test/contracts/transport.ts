import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { problemAnswer } from '../../src/http/problem.ts';
import type { Listening } from '../../src/http/transport.ts';
import { listenOnNode } from '../../src/http/transports/node.ts';
import { createUwsTransport } from '../../src/http/transports/uws.ts';
import { pattern, startTestServer, type TestServer, type TransportName } from './http-server.ts';
import { RawClient } from './raw-client.ts';

const SIZES = [0, 1, 2, 4095, 65_535, 65_536, 65_537, 524_287, 524_288, 524_289, 3_000_001];
const MEBI = 2 ** 20;

/** What every transport promises, seen from its clients. */
export function transportContract(transport: TransportName): void {
  suite(`transport ${transport}`, { concurrency: true }, () => {
    let server: TestServer;
    before(async () => {
      server = await startTestServer(transport);
    });
    after(async () => {
      await server.http.close();
    });

    for (const isChunked of [false, true]) {
      test(`bodies arrive whole, ${isChunked ? 'chunked' : 'with a length'}`, async () => {
        for (const size of SIZES) {
          const body = pattern(size);
          const answer = await post(
            server.port,
            '/digest',
            isChunked ? halves(body) : [body],
            isChunked ? undefined : size,
          );
          assert.deepEqual(JSON.parse(answer.text), { bytes: size, sha256: sha256(body) });
        }
      });
    }

    test('bodies arrive whole that come byte by byte', async () => {
      const head = 'POST /digest HTTP/1.1\r\nHost: a\r\n';
      for (const rest of [
        'Content-Length: 11\r\n\r\nhello world',
        'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
      ]) {
        const client = await RawClient.open(server.port);
        await client.sendByteByByte(head + rest);
        const response = await client.response();
        assert.deepEqual(JSON.parse(response?.body ?? ''), { bytes: 11, sha256: sha256(Buffer.from('hello world')) });
        await client.close();
      }
    });

    test('a reader slower than its client bounds what lies in memory', async () => {
      const body = pattern(32 * MEBI);
      const { text } = await post(server.port, '/slowly', [body], body.byteLength);
      const { most, sha256: digest } = JSON.parse(text);
      assert.equal(digest, sha256(body));
      assert.ok(most < 2 * MEBI, `${most} bytes lay in memory`);
    });

    test('answers arrive whole, with and without a length, at a client that reads slowly', async () => {
      for (const path of ['/bytes/9000001', '/chunks/9000001', '/bytes/1', '/chunks/1', '/bytes/0', '/chunks/0']) {
        const expected = pattern(Number(path.split('/')[2]));
        const answer = await get(server.port, path);
        const hash = createHash('sha256');
        for await (const chunk of answer) {
          hash.update(chunk);
          await pass(1);
        }
        assert.equal(hash.digest('hex'), sha256(expected), path);
      }
    });

    test('a HEAD answer has the length and no body, and the connection goes on', async () => {
      const client = await RawClient.open(server.port);
      for (const [path, length] of [
        ['/bytes/500', '500'],
        ['/hello', '5'],
      ]) {
        await client.send(`HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const response = await client.response('HEAD');
        assert.equal(response?.headers.get('content-length'), length);
      }
      await client.send('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await client.response())?.body, 'hello');
      await client.close();
    });

    test('a 204 has neither body nor length', async () => {
      const client = await RawClient.open(server.port);
      await client.send('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n');
      const response = await client.response();
      assert.equal(response?.status, 204);
      assert.equal(response?.headers.get('content-length'), undefined);
      await client.close();
    });

    test('letters of a path may be percent-encoded, its slashes may not', async () => {
      for (const [path, status] of [
        ['/%68ell%6F', 200],
        ['/bytes/%31', 200],
        ['/bytes%2F1', 404],
        ['/%zz', 404],
        ['/bytes/%zz', 400],
      ] as const)
        assert.equal((await get(server.port, path)).resume().statusCode, status, path);
    });

    test('one connection serves one request after the other', async () => {
      const client = await RawClient.open(server.port);
      for (const word of ['one', 'two', 'three']) {
        await client.send(`POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: ${word.length}\r\n\r\n${word}`);
        assert.equal(JSON.parse((await client.response())?.body ?? '').sha256, sha256(Buffer.from(word)));
      }
      await client.send('POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc');
      assert.equal((await client.response())?.status, 503);
      await client.send('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await client.response())?.status, 200);
      await client.close();
    });

    test('requests that are answered at once may be pipelined', async () => {
      const client = await RawClient.open(server.port);
      await client.send('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2));
      for (const body of ['hello', 'hello']) assert.equal((await client.response())?.body, body);
      await client.send('POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na'.repeat(2));
      for (const status of [200, 200]) assert.equal((await client.response())?.status, status);
      await client.close();
    });

    test('a client that asks first is told to continue', async () => {
      const client = await RawClient.open(server.port);
      await client.send('POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
      await once(client.socket, 'data');
      await client.send('abc');
      assert.equal((await client.response())?.status, 200);
      await client.close();
    });

    for (const path of ['/refuse', '/refuse-midway']) {
      test(`an early answer of ${path} reaches a client that sends all before it reads`, async () => {
        const body = new Uint8Array(8 * MEBI);
        for (let round = 0; round < 12; round++) {
          const client = await RawClient.open(server.port);
          client.socket.pause();
          await sendWhole(client, path, body, round % 2 === 1);
          client.socket.resume();
          const response = await client.response();
          assert.equal(
            JSON.parse(response?.body ?? '{}').code,
            path === '/refuse' ? 'queue_full' : 'too_large',
            `round ${round}`,
          );
          assert.equal(response?.headers.get('connection'), 'close');
          await client.closed;
        }
      });

      test(`an early answer of ${path} reaches fetch with a body that streams`, async () => {
        for (let round = 0; round < 12; round++) {
          const body = zeros(64);
          const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
            method: 'POST',
            body,
            duplex: 'half',
          });
          assert.equal(response.headers.get('content-type'), 'application/problem+json');
          assert.equal(((await response.json()) as { status: number }).status, response.status);
        }
      });
    }

    test('an early answer that is large arrives whole', async () => {
      const client = await RawClient.open(server.port);
      await client.send(`POST /bytes/3000000 HTTP/1.1\r\nHost: a\r\nContent-Length: ${MEBI}\r\n\r\n`);
      await client.send(new Uint8Array(MEBI));
      assert.equal((await client.response())?.body.length, 3_000_000);
      await client.close();
    });

    test('connections above the limit are closed, and a place that becomes free is taken again', async () => {
      const listening = await listenAlone(transport, 2);
      const [first, second] = [await RawClient.open(listening.port), await RawClient.open(listening.port)];
      await (await RawClient.open(listening.port)).closed;
      await first.close();
      const fourth = await RawClient.open(listening.port);
      await fourth.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal((await fourth.response())?.status, 204);
      await Promise.all([second.close(), fourth.close()]);
      await listening.close();
    });

    test('the port is taken for every other process', async () => {
      const second = startTestServer(transport, server.port);
      await assert.rejects(second, { code: 'EADDRINUSE' });
    });

    test('a server that stops accepting lets its requests end, and their connections with them', async () => {
      const own = await startTestServer(transport);
      const client = await RawClient.open(own.port);
      await client.send('POST /digest HTTP/1.1\r\nHost: a\r\nx-request-id: last\r\nContent-Length: 3\r\n\r\na');
      await own.begunOf('last');
      const drained = own.http.drain(new AbortController().signal);
      await assert.rejects(RawClient.open(own.port), { code: 'ECONNREFUSED' });
      assert.equal(own.http.activeExchanges, 1);
      await client.send('bc');
      assert.equal((await client.response())?.headers.get('connection'), 'close');
      await client.closed;
      await drained;
      await own.http.close();
    });
  });
}

/** Without the front door: every request is answered 204. */
async function listenAlone(transport: TransportName, maxConnections: number): Promise<Listening> {
  const uws = createUwsTransport();
  assert.ok(uws.ok);
  const listen = transport === 'uws' ? uws.transport : listenOnNode;
  return listen({
    host: '127.0.0.1',
    port: 0,
    maxConnections,
    onFault: assert.ifError,
    onRefused: (error) => problemAnswer(error, 'id'),
    onRequest(wire) {
      queueMicrotask(() => {
        wire.head(204, [], undefined);
        wire.end();
      });
      return { onChunk() {}, onEnd() {}, onAbort() {}, onDrain() {}, onSent() {} };
    },
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function sendWhole(client: RawClient, path: string, body: Uint8Array, isChunked: boolean): Promise<void> {
  const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.byteLength}`;
  await client.send(`POST ${path} HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
  if (isChunked) await client.send(`${body.byteLength.toString(16)}\r\n`);
  await client.send(body);
  if (isChunked) await client.send('\r\n0\r\n\r\n');
}

function halves(body: Uint8Array): Uint8Array[] {
  const middle = Math.floor(body.byteLength / 2);
  return [body.subarray(0, middle), body.subarray(middle)].filter((half) => half.byteLength > 0);
}

function zeros(chunks: number): ReadableStream<Uint8Array> {
  let left = chunks;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(64 * 1024));
      else controller.close();
    },
  });
}

async function post(
  port: number,
  path: string,
  chunks: readonly Uint8Array[],
  length: number | undefined,
): Promise<{ text: string }> {
  const headers = length === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': length };
  const outgoing = request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false });
  for (const chunk of chunks) outgoing.write(chunk);
  outgoing.end();
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  assert.ok(incoming);
  const received = await incoming.setEncoding('utf8').toArray();
  return { text: received.join('') };
}

async function get(port: number, path: string): Promise<IncomingMessage> {
  const outgoing = request({ host: '127.0.0.1', port, path, agent: new Agent({ maxSockets: 1 }) }).end();
  const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
  assert.ok(incoming);
  return incoming;
}
