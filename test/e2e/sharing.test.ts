import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { apiOf, ONE_PAGE, SAMPLE } from './jobs-api.ts';
import { filesBelow, startServer } from './server.ts';

for (const transport of ['uws', 'node'] as const) {
  suite(`shared work over ${transport}`, () => {
    const args = ['--transport', transport, '--workers', '2'];

    test('20 identical uploads at once make one job; callers that leave do not stop the others', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const leaving = new AbortController();
      const post = (signal?: AbortSignal) =>
        fetch(`${server.url}/pdf2image?dpi=72`, { method: 'POST', body: SAMPLE, ...(signal ? { signal } : {}) });
      const left = Array.from({ length: 5 }, () => post(leaving.signal));
      const stayed = Array.from({ length: 15 }, () => post());
      do await fetch(`${server.url}/healthz`);
      while ((await api.list('?status=running')).jobs.length === 0);
      leaving.abort();
      const lost = await Promise.allSettled(left);
      assert.ok(lost.some(({ status }) => status === 'rejected'));
      const results = await Promise.all(
        (await Promise.all(stayed)).map(async (answer) => {
          assert.equal(answer.status, 200);
          return answer.text();
        }),
      );
      assert.equal(new Set(results).size, 1);
      const [job, ...others] = (await api.list('')).jobs;
      assert.deepEqual([job?.status, job?.attempt, others], ['succeeded', 1, []]);
      // Each page was drawn once: had it been drawn again, its output would be there, or have been refused.
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      assert.match(metrics, /penstock_job_seconds_count\{task="pdf2image",status="succeeded"\} 1\n/);
      const blobs = filesBelow(server.dataDir);
      assert.equal(blobs.filter((path) => /results\/.*\/pages\/\d+$/.test(path)).length, 17);
      assert.equal(blobs.filter((path) => /blobs\/files\/\w+$/.test(path)).length, 1);
    });

    test('a later call gets the kept result, and no-cache a fresh one', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const statuses: (string | null)[] = [];
      for (const cache of ['', '', 'no-cache']) {
        const answer = await api.run('?dpi=40', ONE_PAGE, cache ? { 'cache-control': cache } : {});
        const result = (await answer.json()) as { pages: { url: string }[] };
        assert.equal((await fetch(`${result.pages[0]?.url}`)).status, 200);
        statuses.push(answer.headers.get('cache-status'));
      }
      assert.deepEqual(statuses, ['penstock; fwd=miss', 'penstock; hit', 'penstock; fwd=request']);
      assert.equal((await api.list('')).jobs.length, 2);
    });

    test('a call right behind the answer of its twin gets the result that is there', async () => {
      await using server = await startServer({ args: [...args, '--rate-limit', '0'] });
      const api = apiOf(server);
      const statuses: (string | null)[] = [];
      for (let dpi = 20; dpi < 45; dpi++) {
        for (let twice = 0; twice < 2; twice++) {
          const answer = await api.run(`?dpi=${dpi}`, ONE_PAGE);
          await answer.text();
          statuses.push(answer.headers.get('cache-status'));
        }
      }
      assert.equal(statuses.filter((status) => status === 'penstock; fwd=miss').length, 25);
      assert.equal((await api.list('?limit=100')).jobs.length, 25);
    });

    test('twins that wait for one job take no places of the queue', async () => {
      await using server = await startServer({ args: [...args, '--queue-size', '1', '--rate-limit', '0'] });
      const api = apiOf(server);
      const answers: Promise<Response>[] = [];
      for (let count = 0; count < 6; count++) {
        answers.push(api.run('?dpi=300', SAMPLE));
        // Each needs a place until its body is there and known.
        let queue: { running: number; waiting: number };
        do ({ queue } = (await (await fetch(`${server.url}/v1/tasks/pdf2image`)).json()) as { queue: typeof queue });
        while (queue.running === 0 || queue.waiting > 0);
      }
      assert.equal((await api.run('?dpi=40', ONE_PAGE)).status, 200);
      assert.deepEqual(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]));
    });

    test('an Idempotency-Key replays, refuses another payload with 422, a second call at once with 409, and an unquoted key', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const fresh = { 'cache-control': 'no-cache' };
      const key = { ...fresh, 'idempotency-key': '"k1"' };
      const [first, second] = await Promise.all([api.run('?dpi=50', SAMPLE, key), api.run('?dpi=50', SAMPLE, key)]);
      assert.deepEqual([first.status, second.status].sort(), [200, 409]);
      const again = await api.run('?dpi=50', SAMPLE, key);
      assert.deepEqual([again.status, again.headers.get('idempotency-replayed')], [200, 'true']);
      assert.equal((await api.list('')).jobs.length, 1);
      const other = await api.run('?dpi=51', SAMPLE, key);
      assert.deepEqual([other.status, (await api.json(other)).code], [422, 'invalid_input']);
      assert.equal((await api.run('?dpi=50', SAMPLE, { 'idempotency-key': 'k1' })).status, 400);
    });
  });
}

test('an Idempotency-Key that comes with a call whose work was done before is kept, too', async () => {
  await using server = await startServer({ args: ['--workers', '1'] });
  const api = apiOf(server);
  const key = { 'idempotency-key': '"k"' };
  await (await api.run('?dpi=50', ONE_PAGE)).text();
  const shared = await api.run('?dpi=50', ONE_PAGE, key);
  assert.deepEqual(
    [shared.headers.get('cache-status'), shared.headers.get('idempotency-replayed')],
    ['penstock; hit', null],
  );
  assert.equal((await api.run('?dpi=51', ONE_PAGE, key)).status, 422);
  assert.equal((await api.run('?dpi=50', ONE_PAGE, key)).headers.get('idempotency-replayed'), 'true');
});

test('an Idempotency-Key and a kept result are known after kill -9', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-sharing-'));
  const key = { 'idempotency-key': '"k"' };
  try {
    let first: string | null;
    {
      await using server = await startServer({ args: ['--workers', '1'], dataDir });
      const answer = await apiOf(server).run('?dpi=50', ONE_PAGE, key);
      first = answer.headers.get('content-location');
      await answer.text();
      // The record of a job that somebody waited for comes a moment after the answer.
      do await fetch(`${server.url}/healthz`);
      while (!filesBelow(dataDir).some((path) => path.startsWith('blobs/cache/')));
    }
    await using server = await startServer({ args: ['--workers', '1'], dataDir });
    const replayed = await apiOf(server).run('?dpi=50', ONE_PAGE, key);
    const shared = await apiOf(server).run('?dpi=50', ONE_PAGE);
    assert.deepEqual([replayed.status, replayed.headers.get('idempotency-replayed')], [200, 'true']);
    assert.equal(shared.headers.get('cache-status'), 'penstock; hit');
    for (const { headers } of [replayed, shared]) assert.equal(pathOf(headers.get('content-location')), pathOf(first));
    assert.equal((await apiOf(server).run('?dpi=51', ONE_PAGE, key)).status, 422);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

function pathOf(url: string | null): string {
  return new URL(url ?? '').pathname;
}
