import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { suite, test } from 'node:test';
import { Agent, type Dispatcher } from 'undici';
import { randomFrom } from './cutting-proxy.ts';
import { DOORS, type FuzzCase, makeCase, sha256 } from './doors-fuzz-bodies.ts';
import { filesBelow, startServer, type TestServer } from './server.ts';

/** Of each door on each transport: 10,000 in all. */
const CASES = 834;
const AT_ONCE = 16;

interface Stored {
  readonly sha256: string;
  readonly url: string;
}

async function* chunksOf(body: Buffer): AsyncGenerator<Buffer> {
  const size = 1 + (body.length % 977);
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly text: string;
}

async function send(agent: Agent, server: TestServer, { path, headers, body, isChunked }: FuzzCase): Promise<Answer> {
  const answer = await agent.request({
    origin: server.url,
    path,
    method: 'POST',
    headers,
    // An empty body needs its length: without one there is no body.
    body: isChunked && body.length > 0 ? Readable.from(chunksOf(body)) : body,
  });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

/** What a 2xx says it has stored, each looked at again. */
async function storedBy(agent: Agent, server: TestServer, { headers, text }: Answer): Promise<readonly string[]> {
  const told = text === '' ? {} : (JSON.parse(text) as Partial<Stored> & { files?: Stored[] });
  const urls = told.files?.map(({ url }) => url) ?? [told.url ?? headers['content-location']];
  const digests = await Promise.all(
    urls
      .filter((url) => url !== undefined)
      .map(async (url) => {
        const { pathname } = new URL(String(url));
        const { body } = await agent.request({ origin: server.url, path: pathname, method: 'GET' });
        return sha256(Buffer.from(await body.arrayBuffer()));
      }),
  );
  const claimed = told.files?.map((file) => file.sha256) ?? (told.sha256 === undefined ? digests : [told.sha256]);
  assert.deepEqual(claimed, digests);
  return digests;
}

async function check(agent: Agent, server: TestServer, fuzz: FuzzCase): Promise<number> {
  const answer = await send(agent, server, fuzz);
  const shown = () =>
    `${answer.status} ${answer.text.slice(0, 300)} to ${JSON.stringify(fuzz.body.toString('latin1').slice(0, 300))}`;
  assert.ok((answer.status >= 200 && answer.status < 300) || (answer.status >= 400 && answer.status < 500), shown());
  if (fuzz.isWhole) assert.equal(answer.status, 201, shown());
  if (answer.status >= 300) return answer.status;
  const stored = await storedBy(agent, server, answer);
  const isUnfinished = fuzz.path === '/v1/uploads' && stored.length === 0 && !fuzz.isWhole;
  assert.ok(isUnfinished || fuzz.isRight(stored), `stored ${stored}: ${shown()}`);
  return answer.status;
}

/** What the server holds open, sockets and files apart from Node's own. */
function descriptors({ child }: TestServer): string[] {
  const folder = `/proc/${child.pid}/fd`;
  const open = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(join(folder, name));
    } catch {
      return ''; // closed meanwhile
    }
  });
  return open.filter(
    (target) => target.startsWith('socket:') || target.includes('/tmp/') || target.includes('/growing/'),
  );
}

for (const transport of ['uws', 'node'] as const) {
  suite(`fuzzed bodies over ${transport}`, () => {
    const seed = Date.now() % 100_000;
    test(`each of ${CASES * Object.keys(DOORS).length} ends in a 4xx or the exact digest, and nothing is left (seed ${seed})`, async () => {
      const random = randomFrom(seed);
      await using server = await startServer({ args: ['--transport', transport, '--workers', '1'] });
      const idle = descriptors(server).length;
      const agent = new Agent({ connections: AT_ONCE });
      const statuses = new Map<string, number>();
      for (const door of Object.keys(DOORS) as (keyof typeof DOORS)[]) {
        let left = CASES;
        const work = async () => {
          while (left > 0) {
            left -= 1;
            const status = await check(agent, server, makeCase(door, random));
            statuses.set(`${door} ${status}`, (statuses.get(`${door} ${status}`) ?? 0) + 1);
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, work));
      }
      await agent.close();
      for (const door of Object.keys(DOORS)) {
        assert.ok(
          [...statuses.keys()].some((key) => key.startsWith(`${door} 4`)),
          `none was refused: ${door}`,
        );
      }
      assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
      assert.equal(server.child.exitCode, null);
      assert.deepEqual(filesBelow(join(server.dataDir, 'tmp')), []);
      while (descriptors(server).length > idle + 1) await new Promise(setImmediate);
    });
  });
}
