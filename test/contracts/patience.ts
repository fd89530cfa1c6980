import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { pattern, startTestServer, type TestServer, type TransportName } from './http-server.ts';
import { RawClient } from './raw-client.ts';

/** Longer than uWS waits by itself for a byte, or for its bytes to be taken. */
const SILENCE_MS = 34_000;

/** What every transport promises about slow and vanished clients; here time itself is tested, so it passes. */
export function patienceContract(transport: TransportName): void {
  suite(`patience of ${transport}`, { concurrency: true }, () => {
    let server: TestServer;
    before(async () => {
      server = await startTestServer(transport);
    });
    after(async () => {
      await server.http.close();
    });

    test('a client that is gone is seen while it waits', async () => {
      const client = await RawClient.open(server.port);
      await client.send('GET /wait HTTP/1.1\r\nHost: a\r\nx-request-id: gone-waiting\r\n\r\n');
      await server.begunOf('gone-waiting');
      await client.close();
      const { status, code } = await server.outcomeOf('gone-waiting');
      assert.deepEqual({ status, code }, { status: 499, code: 'client_gone' });
    });

    test('a client that is gone is seen in the middle of its body', async () => {
      const client = await RawClient.open(server.port);
      await client.send(
        'POST /digest HTTP/1.1\r\nHost: a\r\nx-request-id: gone-midway\r\nContent-Length: 10\r\n\r\nabc',
      );
      await server.begunOf('gone-midway');
      await client.close();
      assert.equal((await server.outcomeOf('gone-midway')).code, 'client_gone');
    });

    test('a client that is gone is seen in the middle of its answer', async () => {
      for (const path of ['/bytes/500000000', '/chunks/500000000']) {
        const client = await RawClient.open(server.port);
        await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nx-request-id: gone${path.replaceAll('/', '-')}\r\n\r\n`);
        await once(client.socket, 'data');
        await client.close();
        assert.equal((await server.outcomeOf(`gone${path.replaceAll('/', '-')}`)).code, 'client_gone');
      }
    });

    test('a client that is gone is seen while nobody reads its body', { timeout: 120_000 }, async () => {
      const client = await RawClient.open(server.port);
      await client.send(
        'POST /untaken HTTP/1.1\r\nHost: a\r\nx-request-id: gone-paused\r\nContent-Length: 1000000\r\n\r\nabc',
      );
      await server.begunOf('gone-paused');
      await client.close();
      assert.equal((await server.outcomeOf('gone-paused')).code, 'client_gone');
    });

    test('a body that pauses for long is waited for', { timeout: 120_000 }, async () => {
      const client = await RawClient.open(server.port);
      await client.send('POST /digest HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na');
      await pass(SILENCE_MS);
      await client.send('b');
      assert.equal((await client.response())?.status, 200);
      await client.close();
    });

    test('an answer that its client leaves unread for long arrives whole', { timeout: 120_000 }, async () => {
      await Promise.all(
        ['/bytes/20000000', '/chunks/20000000'].map(async (path) => {
          const outgoing = request({ host: '127.0.0.1', port: server.port, path, agent: false }).end();
          const [incoming]: IncomingMessage[] = await once(outgoing, 'response');
          assert.ok(incoming);
          await pass(SILENCE_MS);
          const received = Buffer.concat(await incoming.toArray());
          assert.ok(received.equals(pattern(20_000_000)), path);
        }),
      );
    });

    test('headers that never end do not hold a connection for ever', { timeout: 120_000 }, async () => {
      const client = await RawClient.open(server.port);
      const drip = setInterval(() => client.socket.write('x-a: b\r\n'), 1_000);
      await client.send('GET /hello HTTP/1.1\r\nHost: a\r\n');
      client.socket.resume();
      await client.closed;
      clearInterval(drip);
    });
  });
}
