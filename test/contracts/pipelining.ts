import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startTestServer, type TestServer, type TransportName } from './http-server.ts';
import { RawClient, type RawResponse } from './raw-client.ts';

const HELLO = 'GET /hello HTTP/1.1\r\nHost: a\r\n\r\n';
const FLOOD = 4_000;
/** As many as may wait on one connection, and the one that runs. */
const MOST = 65;

/** A request, and the status of its answer; another one follows it in the same packet. */
const FIRSTS: readonly (readonly [title: string, request: string, status: number])[] = [
  ['a POST with a length', 'POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', 200],
  [
    'a chunked POST',
    'POST /digest HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    200,
  ],
  ['a POST that is refused', 'POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', 503],
  ['a GET with a body', 'GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', 200],
  ['a HEAD with a body', 'HEAD /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', 200],
  ['a long answer', 'GET /bytes/3000000 HTTP/1.1\r\nHost: a\r\n\r\n', 200],
  ['a chunked answer', 'GET /chunks/3000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 200],
  ['a doubtful request', 'POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc', 400],
];

/** Several requests on one connection, ahead of their answers. */
export function pipeliningContract(transport: TransportName): void {
  suite(`pipelining on ${transport}`, { concurrency: true }, () => {
    let server: TestServer;
    before(async () => {
      server = await startTestServer(transport);
    });
    after(async () => {
      await server.http.close();
    });

    test('32 requests in one packet are answered one after the other', async () => {
      const client = await RawClient.open(server.port);
      await client.send(HELLO.repeat(32));
      for (let left = 32; left > 0; left--) assert.equal((await client.response())?.body, 'hello');
      await client.close();
    });

    test('many connections of one address at the same time are all answered and stay open', async () => {
      const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.open(server.port)));
      for (let round = 0; round < 5; round++) {
        await Promise.all(clients.map((client) => client.send(HELLO)));
        for (const response of await Promise.all(clients.map((client) => client.response()))) {
          assert.equal(response?.body, 'hello');
          assert.notEqual(response?.headers.get('connection'), 'close');
        }
      }
      await Promise.all(clients.map((client) => client.close()));
    });

    for (const [title, request, status] of FIRSTS) {
      test(`${title} is answered in full, whatever follows it in the packet`, { timeout: 30_000 }, async () => {
        const client = await RawClient.open(server.port);
        await client.send(request + HELLO);
        const first = await client.response(request.split(' ')[0]);
        assert.equal(first?.status, status);
        if (request.includes('/bytes/')) assert.equal(first?.body.length, 3_000_000);
        // Answered in its turn, or left to the client to send again.
        client.socket.end();
        const second = await client.response();
        assert.ok(second === undefined || second.body === 'hello');
        await client.closed;
      });
    }

    test('what follows a request that still runs waits or is never run', async () => {
      const client = await RawClient.open(server.port);
      await client.send('GET /wait HTTP/1.1\r\nHost: a\r\nx-request-id: first\r\n\r\n');
      await server.begunOf('first');
      await client.send('GET /hello HTTP/1.1\r\nHost: a\r\nx-request-id: behind\r\n\r\n');
      await other(server.port);
      await client.close();
      assert.equal((await server.outcomeOf('first')).status, 499);
      assert.ok(!server.ran.includes('behind'));
    });

    for (const path of ['/wait', '/hello', '/bytes/100000']) {
      test(`a flood of ${path} on one connection runs a few, and others are served`, { timeout: 30_000 }, async () => {
        const id = `flood${path.replaceAll('/', '-')}`;
        const client = await RawClient.open(server.port);
        client.socket.pause();
        const flood = client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nx-request-id: ${id}\r\n\r\n`.repeat(FLOOD));
        await server.begunOf(id);
        for (let round = 0; round < 10; round++) await other(server.port);
        const ran = server.ran.filter((known) => known === id).length;
        assert.ok(ran <= MOST, `${ran} ran`);
        await client.close();
        await flood;
      });
    }

    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      test(`a ${method} with a length of 0 is answered at once, wherever its head is cut`, {
        timeout: 30_000,
      }, async () => {
        const request = `${method} /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`;
        for (let at = 0; at < request.length; at++) {
          const client = await RawClient.open(server.port);
          await client.send(request.slice(0, at));
          for (let turn = 0; turn < 3; turn++) await nextTurn();
          await client.send(request.slice(at));
          assert.equal(JSON.parse((await client.response())?.body ?? '{}').bytes, 0, `cut at ${at}`);
          await client.close();
        }
      });
    }

    // uWS ends a connection at the end of its input, and tells nobody.
    if (transport === 'node') halfCloseContract(() => server);

    test('an expectation that nobody knows is ignored', async () => {
      const client = await RawClient.open(server.port);
      await client.send('POST /digest HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 3\r\n\r\nabc');
      assert.equal((await client.response())?.status, 200);
      await client.close();
    });

    test('CONNECT is refused', async () => {
      const client = await RawClient.open(server.port);
      await client.send('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n');
      const response = await client.response();
      assert.ok(response && response.status >= 400);
      await client.close();
    });
  });
}

function halfCloseContract(server: () => TestServer): void {
  for (const [title, request] of FIRSTS.slice(0, -1)) {
    test(`${title} is answered to a client that sends nothing more`, async () => {
      const client = await RawClient.open(server().port);
      client.socket.end(request);
      const response = await client.response(request.split(' ')[0]);
      assert.ok(response && response.status !== 400);
      await client.closed;
    });
  }

  test('a client that sends nothing more and waits is not taken for gone, and is when it is', async () => {
    const client = await RawClient.open(server().port);
    client.socket.end('GET /wait HTTP/1.1\r\nHost: a\r\nx-request-id: half\r\n\r\n');
    const { signal } = await server().begunOf('half');
    for (let interim = 0; interim < 2; interim++) await once(client.socket, 'data');
    assert.ok(!signal.aborted);
    await client.close();
    assert.equal((await server().outcomeOf('half')).code, 'client_gone');
  });
}

/** A call on a connection of its own. */
async function other(port: number): Promise<RawResponse | undefined> {
  const client = await RawClient.open(port);
  await client.send(HELLO);
  const response = await client.response();
  assert.equal(response?.status, 200);
  await client.close();
  return response;
}
