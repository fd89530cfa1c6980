import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { Webhook } from 'standardwebhooks';
import type { JobJson } from '../api.ts';
import { AppError } from '../core/errors.ts';
import { createAddressGuard } from '../ingest/ingest.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import { createLanes } from './lanes.ts';
import { formatSecret, parseSecrets, signedHeaders } from './signature.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';

const ID = '01K9ZZZZZZZZZZZZZZZZZZZZZZ';
const NEVER = new AbortController().signal;
const KEY = Buffer.alloc(32, 7);

function job(status: JobJson['status']): JobJson {
  const times = { created_at: 't', started_at: null, finished_at: null, elapsed_ms: { queued: 0, running: 0 } };
  return { id: ID, task: 't', status, progress: 0, message: null, attempt: 1, ...times, links: { self: '' } };
}

suite('signatures', () => {
  test('standardwebhooks accepts them, by whichever of the secrets the receiver knows', () => {
    const keys = [KEY, Buffer.alloc(24, 8)];
    const message = { id: 'msg_1', timestamp: Math.floor(Date.now() / 1000), body: '{"ö":1}' };
    const headers = signedHeaders(message, keys);
    for (const key of keys) assert.deepEqual(new Webhook(formatSecret(key)).verify(message.body, headers), { ö: 1 });
    assert.throws(() => new Webhook(formatSecret(KEY)).verify('{"ö":2}', headers));
  });

  test('a secret that is short, long, or no base64 stops the start', () => {
    assert.deepEqual(parseSecrets([formatSecret(KEY)]), [KEY]);
    for (const wrong of [
      '',
      'secret',
      'whsec_',
      `whsec_${Buffer.alloc(23).toString('base64')}`,
      'whsec_*'.padEnd(60, 'a'),
    ])
      assert.throws(() => parseSecrets([wrong]), /--webhook-secret/);
    assert.throws(() => parseSecrets([formatSecret(Buffer.alloc(65))]), /--webhook-secret/);
  });
});

suite('lanes', () => {
  test('a receiver that takes its time holds up itself alone', async () => {
    const lanes = createLanes();
    const leave: (() => void)[] = [];
    for (let place = 0; place < 8; place++) leave.push(await lanes.enter('http://slow', NEVER));
    let isIn = false;
    const ninth = lanes.enter('http://slow', NEVER).then((out) => {
      isIn = true;
      return out;
    });
    (await lanes.enter('http://quick', NEVER))();
    assert.equal(isIn, false);
    leave.pop()?.();
    (await ninth)();
  });

  test('who gives up while it waits takes no place', async () => {
    const lanes = createLanes();
    for (let place = 0; place < 8; place++) await lanes.enter('http://slow', NEVER);
    const giving = new AbortController();
    const waiting = lanes.enter('http://slow', giving.signal);
    giving.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
  });
});

suite('webhooks', () => {
  function setUp(allow: readonly string[] = ['127.0.0.1'], storage = createMemoryStorage()) {
    let current: JobJson = job('running');
    const webhooks = createWebhooks({
      storage,
      guard: createAddressGuard({ allow }),
      keys: [KEY],
      maxAttempts: 1,
      log: pino({ level: 'silent' }),
      getJob: async () => current,
      linkJob: (origin, linked) => ({ ...linked, links: { self: `${origin}/v1/jobs/${linked.id}` } }),
    });
    const end = (status: JobJson['status']) => {
      current = job(status);
      webhooks.settled(current);
    };
    return { webhooks, storage, end, setJob: (next: JobJson) => (current = next) };
  }

  test('a job that ended before it was known that somebody wants to be told is told all the same, once for each URL', async () => {
    await using receiver = await startReceiver();
    const { webhooks, setJob, storage } = setUp();
    setJob(job('failed'));
    const callback = { url: receiver.url, origin: 'http://host' };
    await Promise.all([webhooks.add(ID, callback), webhooks.add(ID, callback)]);
    const { data, type } = JSON.parse(await receiver.next()) as { type: string; data: JobJson };
    assert.deepEqual([type, data.links.self], ['job.failed', `http://host/v1/jobs/${ID}`]);
    await until(webhooks, 'delivered');
    assert.equal(receiver.count(), 1);
    assert.deepEqual(await Array.fromAsync(storage.list('webhooks/')), []);
    await webhooks.close();
  });

  test('what a process owed is sent by the next one, and what belongs to no job is forgotten', async () => {
    await using receiver = await startReceiver();
    const first = setUp();
    await first.webhooks.add(ID, { url: receiver.url, origin: 'http://host' });
    await first.webhooks.close();
    const second = setUp(['127.0.0.1'], first.storage);
    second.setJob(job('succeeded'));
    await second.webhooks.recover();
    assert.match(await receiver.next(), /job\.succeeded/);
    await second.webhooks.close();

    const third = setUp();
    await third.webhooks.add(ID, { url: receiver.url, origin: 'http://host' });
    const orphaned = createWebhooks({
      ...{
        storage: third.storage,
        guard: createAddressGuard(),
        keys: [KEY],
        maxAttempts: 1,
        log: pino({ level: 'silent' }),
      },
      getJob: async () => {
        throw new AppError('not_found', 'it died with the last process');
      },
      linkJob: (_origin, linked) => linked,
    });
    await orphaned.recover();
    assert.deepEqual(await Array.fromAsync(third.storage.list('webhooks/')), []);
  });

  test('an address inside the network is refused when it is given, and again when it is called', async () => {
    const { webhooks, end } = setUp([]);
    await assert.rejects(webhooks.check('http://127.0.0.1/'), { code: 'blocked_address' });
    await assert.rejects(webhooks.check('http://user:word@example.com/'), { code: 'invalid_input' });
    await assert.rejects(webhooks.check(5), { code: 'invalid_input' });
    await webhooks.add(ID, { url: 'http://127.0.0.1:9/', origin: 'http://host' });
    end('succeeded');
    await until(webhooks, 'failed');
    assert.equal((await webhooks.of(ID))[0]?.attempts, 1);
    await webhooks.close();
  });
});

/** There is no event for it; the loop has to turn. */
async function until(webhooks: Webhooks, status: string): Promise<void> {
  while ((await webhooks.of(ID))[0]?.status !== status) await nextTurn();
}

async function startReceiver() {
  const bodies: string[] = [];
  let read = 0;
  let waiting = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    bodies.push(Buffer.concat(await request.toArray()).toString());
    waiting.resolve();
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    count: () => bodies.length,
    async next(): Promise<string> {
      while (bodies.length <= read) {
        await waiting.promise;
        waiting = Promise.withResolvers();
      }
      return bodies[read++] ?? '';
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
