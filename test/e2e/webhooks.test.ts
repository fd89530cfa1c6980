import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { apiOf, type Json, ONE_PAGE } from './jobs-api.ts';
import { startServer } from './server.ts';
import { call, serveTasks } from './task-folder.ts';

const SECRETS = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);
const ASYNC = { prefer: 'respond-async' };

interface Message {
  readonly headers: Record<string, string>;
  readonly body: string;
}

for (const transport of ['uws', 'node'] as const) {
  suite(`webhooks over ${transport}`, () => {
    const args = ['--transport', transport, '--workers', '1', '--allow-addresses', '127.0.0.1'];

    test('the end of a job is told with a signature that standardwebhooks accepts, by each of the secrets', async () => {
      await using receiver = await startReceiver();
      await using server = await startServer({ args: [...args, ...SECRETS.flatMap((s) => ['--webhook-secret', s])] });
      const api = apiOf(server);
      const url = encodeURIComponent(`${receiver.url}/hook?token=t`);
      const job = await api.json(await api.run(`?dpi=30&callback_url=${url}`, ONE_PAGE, ASYNC));
      const message = await receiver.next();
      for (const secret of SECRETS) {
        const payload = new Webhook(secret).verify(message.body, message.headers) as { type: string; data: Json };
        assert.deepEqual([payload.type, payload.data.id, payload.data.status], ['job.succeeded', job.id, 'succeeded']);
        assert.equal((await fetch(payload.data.result?.pages[0]?.url ?? '')).status, 200);
      }
      assert.throws(() =>
        new Webhook(`whsec_${Buffer.alloc(32, 3).toString('base64')}`).verify(message.body, message.headers),
      );
      assert.equal(message.headers['webhook-id'], `msg_${job.id}`);
      const told = await untilTold(api, job.id, 'delivered');
      assert.deepEqual(told, {
        url: `${receiver.url}/hook`,
        status: 'delivered',
        attempts: 1,
        last_error: null,
        next_attempt_at: null,
      });
    });

    test('a receiver that fails is tried again under the same webhook-id; 410 and the last attempt leave a dead letter in the job', async () => {
      await using receiver = await startReceiver((attempt) => (attempt < 3 ? 500 : 204));
      await using gone = await startReceiver(() => 410);
      await using deaf = await startReceiver(() => 503);
      await using server = await startServer({ args: [...args, '--webhook-attempts', '3'] });
      const api = apiOf(server);
      const ids = await Promise.all(
        [receiver, gone, deaf].map(async ({ url }, index) => {
          const query = `?dpi=${30 + index}&callback_url=${encodeURIComponent(url)}`;
          return (await api.json(await api.run(query, ONE_PAGE, ASYNC))).id;
        }),
      );
      const [kept = '', left = '', dead = ''] = ids;
      const messages = [await receiver.next(), await receiver.next(), await receiver.next()];
      assert.deepEqual(new Set(messages.map(({ headers }) => headers['webhook-id'])), new Set([`msg_${kept}`]));
      assert.equal((await untilTold(api, kept, 'delivered')).attempts, 3);
      const stopped = await untilTold(api, left, 'failed');
      assert.deepEqual([stopped.attempts, stopped.last_error], [1, 'the receiver answered 410']);
      const given = await untilTold(api, dead, 'failed');
      assert.deepEqual([given.attempts, given.last_error], [3, 'the receiver answered 503']);
    });

    test('jobs do not wait for a receiver that never answers', async () => {
      await using hanging = await startReceiver(() => undefined);
      await using server = await startServer({ args });
      const api = apiOf(server);
      const started = performance.now();
      for (let dpi = 30; dpi < 50; dpi++) {
        const answer = await api.run(`?dpi=${dpi}&callback_url=${encodeURIComponent(hanging.url)}`, ONE_PAGE);
        assert.equal(answer.status, 200);
      }
      assert.ok(performance.now() - started < 10_000);
    });

    test('the job of a streamed call is told of, too; with an Idempotency-Key its items come as a list, and again', async () => {
      await using receiver = await startReceiver();
      const count = `export default defineTask({ name: 'count', methods: ['POST'], async *run() { yield 1; yield 2; } });`;
      await using server = await serveTasks({ count }, args);
      const url = `${server.url}/count?callback_url=${encodeURIComponent(receiver.url)}`;
      const streamed = await call(url, { method: 'POST' });
      assert.equal(streamed.text, '1\n2\n');
      const message = JSON.parse((await receiver.next()).body) as { type: string; data: { task: string } };
      assert.deepEqual([message.type, message.data.task], ['job.succeeded', 'count']);
      const key = { method: 'POST', headers: { 'idempotency-key': '"k"' } };
      for (const isReplay of [null, 'true']) {
        const answer = await call(`${server.url}/count`, key);
        assert.deepEqual([answer.json, answer.headers.get('idempotency-replayed')], [[1, 2], isReplay]);
      }
    });

    test('an address inside the network is 403 before any work, and what is no URL is 422', async () => {
      await using server = await startServer({ args: ['--transport', transport] });
      const api = apiOf(server);
      for (const [url, status, code] of [
        ['http://127.0.0.1:1/', 403, 'blocked_address'],
        ['http://[::1]/', 403, 'blocked_address'],
        ['http://169.254.169.254/latest', 403, 'blocked_address'],
        ['ftp://example.com/', 422, 'invalid_input'],
        ['nonsense', 422, 'invalid_input'],
      ] as const) {
        const answer = await api.run(`?callback_url=${encodeURIComponent(url)}`, ONE_PAGE, ASYNC);
        assert.deepEqual([answer.status, (await api.json(answer)).code], [status, code], url);
      }
      assert.equal((await api.list('')).jobs.length, 0);
    });
  });
}

test('a webhook that is owed is sent by the next process, signed by the secret that the first one made', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-webhooks-'));
  const args = ['--workers', '1', '--allow-addresses', '127.0.0.1'];
  try {
    let isBack = false;
    await using receiver = await startReceiver(() => (isBack ? 200 : 500));
    let id: string;
    {
      await using server = await startServer({ args, dataDir });
      const api = apiOf(server);
      const query = `?dpi=30&callback_url=${encodeURIComponent(receiver.url)}`;
      id = (await api.json(await api.run(query, ONE_PAGE, ASYNC))).id;
      await receiver.next();
    }
    isBack = true;
    await using server = await startServer({ args, dataDir });
    await untilTold(apiOf(server), id, 'delivered');
    const message = await receiver.latest();
    const secret = readFileSync(join(dataDir, 'webhook-secret'), 'utf8').trim();
    const payload = new Webhook(secret).verify(message.body, message.headers) as { data: Json };
    assert.equal(payload.data.id, id);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

/** A server that keeps what it is sent and answers as told; undefined: never. */
async function startReceiver(answer: (attempt: number) => number | undefined = () => 200) {
  const messages: Message[] = [];
  const waiting: PromiseWithResolvers<Message>[] = [];
  let attempts = 0;
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    attempts += 1;
    const status = answer(attempts);
    const body = Buffer.concat(await request.toArray()).toString();
    const message = { headers: request.headers as Record<string, string>, body };
    messages.push(message);
    waiting.shift()?.resolve(message);
    if (status !== undefined) response.writeHead(status).end('thanks');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let read = 0;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    latest: () => messages.at(-1) ?? assert.fail('no message'),
    /** The one after those that were read. */
    next(): Promise<Message> {
      const message = messages[read++];
      if (message) return Promise.resolve(message);
      const gate = Promise.withResolvers<Message>();
      waiting.push(gate);
      return gate.promise;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function untilTold(api: ReturnType<typeof apiOf>, id: string, status: string) {
  const end = performance.now() + 30_000;
  for (;;) {
    const [told] = (await api.get(`/v1/jobs/${id}?wait=10`)).webhooks ?? [];
    if (told?.status === status) return told;
    assert.ok(performance.now() < end, JSON.stringify(told));
  }
}
