import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { sourceOf } from '../../test/fixtures/byte-sources.ts';
import { AppError } from '../core/errors.ts';
import { createIdSource } from '../core/ids.ts';
import { createLog } from '../core/log.ts';
import { createMemoryStorage } from '../storage/memory.ts';
import { createAddressGuard } from './address-guard.ts';
import type { Delivery } from './delivery.ts';
import { createDoors } from './doors.ts';
import { createFiles } from './files.ts';
import { createIngest, type Ingest } from './receive.ts';

const LIMITS = { declaredBytes: undefined, minRate: undefined, expectedDigests: [], fileMembers: [], name: undefined };

async function createBench(over: Partial<Ingest> = {}) {
  const storage = createMemoryStorage();
  const log = createLog({ level: 'silent', format: 'json' });
  const newId = createIdSource();
  const ingest = createIngest({ storage, newId, log, channelBytes: 65_536, onStored: () => undefined });
  const files = await createFiles({ storage });
  const guard = createAddressGuard({ allow: ['127.0.0.1'] });
  const doors = createDoors({ ingest: { ...ingest, ...over }, files, guard, urlTimeoutMs: 60_000 });
  const deliver = (door: 'form' | 'json', text: string, maxBytes = 1000) => {
    const contentType = door === 'form' ? 'multipart/form-data; boundary=b' : 'application/json';
    const { signal } = new AbortController();
    const delivery: Delivery = { ...LIMITS, body: sourceOf([Buffer.from(text)]), contentType, maxBytes, signal };
    return doors[door](delivery);
  };
  const stored = async () => (await Array.fromAsync(storage.list('files/'))).length;
  return { deliver, stored, [Symbol.asyncDispose]: () => ingest.close() };
}

const part = (name: string, text: string) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${name}"\r\n\r\n${text}\r\n`;

suite('the doors', () => {
  for (const [door, text] of [
    ['form', `${part('a', 'x'.repeat(400))}${part('b', 'y'.repeat(400))}--b--\r\n`],
    ['json', JSON.stringify({ base64: Buffer.alloc(500).toString('base64') })],
  ] as const) {
    test(`a ${door} of unknown length has the limit of one whose length is known`, async () => {
      await using bench = await createBench();
      await assert.rejects(bench.deliver(door, text, text.length - 1), { code: 'too_large' });
      assert.equal(await bench.stored(), 0);
      const { files } = await bench.deliver(door, text, text.length);
      assert.equal(await bench.stored(), files.length);
    });
  }

  test('a connection that nobody reads to the end is closed', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': 1e9 }).write('begins');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const receive = () => Promise.reject(new AppError('storage_full', 'no room'));
    await using bench = await createBench({ receive });
    const connected = once(server, 'connection');
    const delivered = assert.rejects(bench.deliver('json', JSON.stringify({ url }), 2e9), { code: 'storage_full' });
    const [socket] = await connected;
    const closed = once(socket, 'close');
    await delivered;
    await closed;
    server.close();
  });

  test('a name that is none is refused before its URL is fetched', async () => {
    await using bench = await createBench();
    const text = JSON.stringify({ url: 'http://127.0.0.1:1/', name: 7 });
    await assert.rejects(bench.deliver('json', text), { code: 'bad_request', message: /"name" must be a string/ });
  });
});
