import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { assertIdle, descendants, restedHosts, startServer } from './server.ts';

const SAMPLE = readFileSync(new URL('../../data/sample-17-pages.pdf', import.meta.url));
const ONE_PAGE = readFileSync(new URL('../../data/sample-1-page.pdf', import.meta.url));

interface Page {
  page: number;
  width: number;
  height: number;
  bytes: number;
  media_type: string;
  url: string;
}

async function render(url: string, query = '', body: Uint8Array = SAMPLE, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/pdf2image${query}`, { method: 'POST', body: new Uint8Array(body), ...init });
}

for (const transport of ['uws', 'node'] as const) {
  suite(`pdf2image over ${transport}`, () => {
    test('17 pages come back as 17 PNG links that open, with the promised sizes', async () => {
      await using server = await startServer({ args: ['--transport', transport] });
      const answer = await render(server.url);
      assert.equal(answer.status, 200);
      const result = (await answer.json()) as { page_count: number; pages: Page[] };
      assert.equal(result.page_count, 17);
      assert.deepEqual(
        result.pages.map(({ page }) => page),
        Array.from({ length: 17 }, (_, index) => index + 1),
      );
      for (const page of result.pages) {
        const image = await fetch(page.url);
        const bytes = Buffer.from(await image.arrayBuffer());
        assert.equal(image.headers.get('content-type'), 'image/png');
        assert.equal(image.headers.get('etag'), `"${createHash('sha256').update(bytes).digest('hex')}"`);
        assert.equal(bytes.length, page.bytes);
        assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [page.width, page.height]);
      }
      const first = result.pages[0];
      assert.ok(first);
      const range = await fetch(first.url, { headers: { range: 'bytes=1-3' } });
      assert.deepEqual([range.status, await range.text()], [206, 'PNG']);
    });

    test('dpi, width, pages, format and text are honoured', async () => {
      await using server = await startServer({ args: ['--transport', transport] });
      const answer = await render(server.url, '?pages=2-3&width=300&format=jpeg&quality=50&text=true');
      const result = (await answer.json()) as { pages: (Page & { text: string })[] };
      assert.deepEqual(
        result.pages.map(({ page }) => page),
        [2, 3],
      );
      for (const page of result.pages) {
        assert.ok(Math.abs(page.width - 300) <= 1, `${page.width}`);
        assert.equal(page.media_type, 'image/jpeg');
        assert.equal(typeof page.text, 'string');
        const bytes = Buffer.from(await (await fetch(page.url)).arrayBuffer());
        assert.equal(bytes.readUInt16BE(0), 0xffd8);
      }
    });

    for (const [what, query, body, status, code] of [
      ['a text', '', Buffer.from('this is not a pdf at all'), 422, 'invalid_pdf'],
      ['a truncated PDF', '', SAMPLE.subarray(0, 1000), 422, 'invalid_pdf'],
      ['an empty body', '', Buffer.alloc(0), 422, 'invalid_pdf'],
      ['a wrong dpi', '?dpi=abc', SAMPLE, 422, 'invalid_input'],
      ['a page out of range', '?pages=18', SAMPLE, 422, 'invalid_input'],
      ['too many pixels', '?dpi=2400&pages=1', SAMPLE, 422, 'page_too_large'],
      ['too many pages', '?pages=1-17', SAMPLE, 422, 'too_many_pages'],
      [
        'a PNG',
        '',
        Buffer.from(
          'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
          'base64',
        ),
        415,
        'unsupported_media_type',
      ],
    ] as const) {
      test(`${what} is answered ${status} ${code} and nothing of it is kept`, async () => {
        await using server = await startServer({ args: ['--transport', transport, '--max-pages', '16'] });
        const answer = await render(server.url, query, body);
        const problem = (await answer.json()) as { code: string; status: number };
        assert.deepEqual([answer.status, problem.code, problem.status], [status, code, status]);
        assert.equal(answer.headers.get('content-type'), 'application/problem+json');
        assert.equal((await fetch(`${server.url}/file`)).status, 404);
        assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
      });
    }

    test('the deadline answers 504 and the CPU is free within a second', async () => {
      await using server = await startServer({ args: ['--transport', transport] });
      await render(server.url, '?pages=1', ONE_PAGE);
      const hosts = await restedHosts(server);
      const answer = await render(server.url, '?deadline=0.5&dpi=600');
      assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [504, 'deadline_exceeded']);
      await assertIdle(hosts);
    });

    test('a caller that hangs up stops its job, and the CPU is free within a second', async () => {
      await using server = await startServer({ args: ['--transport', transport] });
      await render(server.url, '?pages=1', ONE_PAGE);
      const hosts = await restedHosts(server);
      const caller = new AbortController();
      const lost = render(server.url, '?dpi=600', SAMPLE, { signal: caller.signal });
      while (
        ((await (await fetch(`${server.url}/v1/server`)).json()) as { tasks: { running: number }[] }).tasks[0]
          ?.running !== 1
      );
      caller.abort();
      await assert.rejects(lost);
      await assertIdle(hosts);
    });

    test('a full queue answers 503 with Retry-After before the body is read, and accepts again later', async () => {
      await using server = await startServer({
        args: ['--transport', transport, '--workers', '1', '--queue-size', '1'],
      });
      const answers = await Promise.all(Array.from({ length: 6 }, () => render(server.url, '?dpi=100')));
      const statuses = answers.map(({ status }) => status).sort();
      assert.deepEqual(statuses, [200, 200, 503, 503, 503, 503]);
      const refused = answers.find(({ status }) => status === 503);
      assert.match(refused?.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
      assert.ok(refused);
      assert.equal(((await refused.json()) as { code: string }).code, 'queue_full');
      assert.equal((await render(server.url, '?pages=1')).status, 200);
    });

    test('the 61st call of a minute is 429 with RateLimit headers; reading is not counted', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--rate-limit', '60'] });
      for (let call = 0; call < 60; call++)
        assert.equal((await fetch(`${server.url}/file`, { method: 'POST', body: 'x' })).status, 201);
      const refused = await fetch(`${server.url}/file`, { method: 'POST', body: 'x' });
      assert.equal(refused.status, 429);
      assert.match(refused.headers.get('ratelimit-policy') ?? '', /^"requests";q=60;w=60$/);
      assert.match(refused.headers.get('ratelimit') ?? '', /^"requests";r=0;t=\d+$/);
      assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
      assert.equal((await fetch(`${server.url}/file`)).status, 200);
    });
  });
}

test('a host that is killed while it renders costs nobody an answer', async () => {
  await using server = await startServer({ args: ['--workers', '2'] });
  const answer = render(server.url, '?dpi=300');
  while (
    ((await (await fetch(`${server.url}/v1/server`)).json()) as { tasks: { running: number }[] }).tasks[0]?.running !==
    1
  );
  const [host] = descendants(server.child.pid ?? 0);
  assert.ok(host);
  process.kill(host, 'SIGKILL');
  assert.equal((await answer).status, 200);
});

test('a one-page document does not wait for a long one', async () => {
  await using server = await startServer({ args: ['--workers', '1'] });
  await render(server.url, '?pages=1', ONE_PAGE);
  let isLongDone = false;
  const long = render(server.url, '?dpi=300').then((answer) => {
    isLongDone = true;
    return answer.status;
  });
  while (
    ((await (await fetch(`${server.url}/v1/server`)).json()) as { tasks: { running: number }[] }).tasks[0]?.running !==
    1
  );
  assert.equal((await render(server.url, '', ONE_PAGE)).status, 200);
  assert.equal(isLongDone, false);
  assert.equal(await long, 200);
});
