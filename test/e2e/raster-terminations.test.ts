import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { descendants, residentBytes, startServer, type TestServer } from './server.ts';

const SAMPLE = readFileSync(new URL('../../data/sample-17-pages.pdf', import.meta.url));
const TERMINATIONS = 200;
const AT_ONCE = 4;
/** Above this a host of two workers has kept something of the threads that were ended in it. */
const MAX_HOST_BYTES = 600 * 2 ** 20;

/** One after the other, always the same numbers. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function render(server: TestServer, query: string): Promise<Response> {
  return fetch(`${server.url}/pdf2image${query}`, { method: 'POST', body: SAMPLE });
}

test('after 200 pages that were ended at a random moment the pool is whole, its memory level, its pages right', async () => {
  await using server = await startServer({ args: ['--workers', '2'] });
  const random = createRandom(6);
  const before = (await (await render(server, '?dpi=50')).json()) as { pages: { bytes: number }[] };
  let ended = 0;
  const endSome = async () => {
    while (ended < TERMINATIONS) {
      const dpi = 150 + Math.floor(random() * 400);
      const answer = await render(server, `?dpi=${dpi}&deadline=${(0.02 + random() * 0.4).toFixed(3)}`);
      await answer.arrayBuffer();
      assert.ok([200, 503, 504].includes(answer.status), `${answer.status}: ${server.log()}`);
      if (answer.status === 504) ended += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, endSome));
  const after = (await (await render(server, '?dpi=50.0001')).json()) as typeof before;
  assert.deepEqual(
    after.pages.map(({ bytes }) => bytes),
    before.pages.map(({ bytes }) => bytes),
  );
  const hosts = descendants(server.child.pid ?? 0);
  assert.equal(hosts.length, 2, `${hosts.length} hosts`);
  for (const pid of hosts) assert.ok(residentBytes(pid) < MAX_HOST_BYTES, `${residentBytes(pid) / 2 ** 20} MiB`);
});
