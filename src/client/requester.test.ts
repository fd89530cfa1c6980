import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RetryNotice } from './patience.ts';
import { createRequester } from './requester.ts';

type Answer = Response | Error;

/** A server that gives these answers in turn, and keeps what it was asked. */
function serverOf(...answers: Answer[]) {
  const asked: Request[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    asked.push(new Request(input, init));
    const answer = answers.shift() ?? new Error('nothing left to answer');
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, fetch: fetch as typeof globalThis.fetch };
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = JSON.stringify({
    type: 'about:blank',
    title: '',
    status,
    code,
    detail: `it is ${code}`,
    request_id: 'R',
  });
  return new Response(body, { status, headers: { 'content-type': 'application/problem+json', ...headers } });
}

/** Starts a request under a fake clock and lets as much time pass as each pause takes. */
async function tryAll(t: { mock: { timers: typeof import('node:test').mock.timers } }, answers: Answer[], retries = 8) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.parse('2026-01-01T00:00:00Z') });
  const server = serverOf(...answers);
  const notices: RetryNotice[] = [];
  const onRetry = (notice: RetryNotice) => {
    notices.push(notice);
    setImmediate(() => t.mock.timers.tick(notice.delayMs));
  };
  const requester = createRequester({
    url: 'http://server/at',
    apiKey: 'sesame',
    retries,
    onRetry,
    fetch: server.fetch,
  });
  const outcome = await requester.json<{ ok: boolean }>('/v1/jobs').catch((error: unknown) => error);
  return { outcome, notices, asked: server.asked };
}

const good = () => Response.json({ ok: true });

suite('requester', () => {
  for (const [title, header, leastMs] of [
    ['seconds', '7', 7000],
    ['a date', 'Thu, 01 Jan 2026 00:00:20 GMT', 20_000],
  ] as const)
    test(`a refusal for now is tried again after Retry-After as ${title}`, async (t) => {
      const { outcome, notices } = await tryAll(t, [problem(429, 'rate_limited', { 'retry-after': header }), good()]);
      assert.deepEqual(outcome, { ok: true });
      assert.ok((notices[0]?.delayMs ?? 0) >= leastMs, `${notices[0]?.delayMs}`);
    });

  test('a lost connection, and a proxy without its server, are tried again with growing pauses', async (t) => {
    const refused = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    const answers = [refused, refused, new Response('<html>', { status: 502 }), problem(503, 'draining'), good()];
    const { outcome, notices } = await tryAll(t, answers);
    assert.deepEqual(outcome, { ok: true });
    assert.deepEqual(
      notices.map(({ error }) => error.code),
      ['unreachable', 'unreachable', 'bad_answer', 'draining'],
    );
    assert.match(notices[0]?.error.message ?? '', /http:\/\/server: connect ECONNREFUSED/);
    assert.ok((notices[3]?.delayMs ?? 0) > (notices[0]?.delayMs ?? 0));
  });

  test('what the next try would meet, too, is an error at once', async (t) => {
    const { outcome, notices } = await tryAll(t, [problem(422, 'invalid_pdf')]);
    assert.partialDeepStrictEqual({ ...(outcome as object) }, { code: 'invalid_pdf', status: 422, requestId: 'R' });
    assert.equal(notices.length, 0);
  });

  test('it gives up after so many tries, and where the server wants to be left alone for long', async (t) => {
    const full = () => problem(503, 'queue_full', { 'retry-after': '1' });
    const { outcome, asked } = await tryAll(t, [full(), full(), full(), full()], 2);
    assert.partialDeepStrictEqual({ ...(outcome as object) }, { code: 'queue_full', retryAfterS: 1 });
    assert.equal(asked.length, 3);
    t.mock.timers.reset();
    const late = await tryAll(t, [problem(503, 'queue_full', { 'retry-after': '3600' })]);
    assert.equal(late.asked.length, 1);
  });

  test('the key goes to its server alone, below the path of the URL', async (t) => {
    const { asked } = await tryAll(t, [good()]);
    assert.deepEqual([asked[0]?.url, asked[0]?.headers.get('x-api-key')], ['http://server/at/v1/jobs', 'sesame']);
    const server = serverOf(good());
    const requester = createRequester({ url: 'http://server', apiKey: 'sesame', fetch: server.fetch });
    await requester.send('http://elsewhere/page');
    assert.equal(server.asked[0]?.headers.get('x-api-key'), null);
  });

  test('an abort ends a pause, too', async () => {
    const leaving = new AbortController();
    const reason = new Error('enough');
    const server = serverOf(problem(503, 'draining', { 'retry-after': '60' }));
    const onRetry = () => setImmediate(() => leaving.abort(reason));
    const requester = createRequester({ url: 'http://server', fetch: server.fetch, onRetry });
    await assert.rejects(requester.send('/', { signal: leaving.signal }), reason);
  });
});
