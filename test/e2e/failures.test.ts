import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { ERROR_CODES } from '../../src/core/errors.ts';
import { FAILURES, SHARED_ARGS } from './failure-cases.ts';
import { startServer, type TestServer } from './server.ts';

for (const transport of ['uws', 'node'] as const) {
  suite(`every failure over ${transport}`, { concurrency: 4 }, () => {
    let shared: TestServer;
    before(async () => {
      shared = await startServer({ args: ['--transport', transport, ...SHARED_ARGS] });
    });
    after(() => shared[Symbol.asyncDispose]());

    for (const { code, status, args, env, hasRetryAfter = false, provoke } of FAILURES) {
      test(`${code} is answered ${status}`, async () => {
        await using own = args
          ? await startServer({ args: ['--transport', transport, ...args], ...(env ? { env } : {}) })
          : undefined;
        const failure = await provoke(own ?? shared);
        const { problem, headers } = failure;
        assert.deepEqual([failure.status, problem.code, problem.status], [status, code, status]);
        assert.equal(headers.get('content-type'), 'application/problem+json');
        assert.ok(problem.detail && problem.request_id, JSON.stringify(problem));
        if (hasRetryAfter) assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/);
      });
    }
  });
}

test('there is a case for every code', () => {
  assert.deepEqual(FAILURES.map(({ code }) => code).toSorted(), [...ERROR_CODES].toSorted());
});
