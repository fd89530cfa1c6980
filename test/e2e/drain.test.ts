import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { apiOf, ONE_PAGE, SAMPLE } from './jobs-api.ts';
import { filesBelow, startServer } from './server.ts';

for (const transport of ['uws', 'node'] as const) {
  suite(`stopping over ${transport}`, () => {
    test('SIGTERM: not ready, new work is refused with 503 draining, what runs is answered, exit 0', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--workers', '2'] });
      const api = apiOf(server);
      const running = api.run('?dpi=100', SAMPLE);
      do await fetch(`${server.url}/healthz`);
      while ((await api.list('?status=running')).jobs.length === 0);
      const exit = server.kill('SIGTERM');
      let ready: Response;
      do ready = await fetch(`${server.url}/readyz`);
      while (ready.status === 200);
      assert.equal(ready.status, 503);
      const refused = await api.run('', ONE_PAGE);
      assert.deepEqual([refused.status, (await api.json(refused)).code], [503, 'draining']);
      assert.equal((await running).status, 200);
      assert.equal(await exit, 0);
    });

    test('who waits for an accepted job when the drain ends is told how it stands', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--drain-timeout', '1'] });
      const api = apiOf(server);
      const { id } = await api.json(await api.run('?dpi=300', SAMPLE, { prefer: 'respond-async' }));
      const waiting = fetch(`${server.url}/v1/jobs/${id}?wait=60`);
      await fetch(`${server.url}/healthz`);
      const exit = server.kill('SIGTERM');
      const answer = await waiting;
      assert.equal(answer.status, 200);
      const { status } = (await answer.json()) as { status: string };
      assert.match(status, /queued|running/);
      assert.equal(await exit, 0);
    });

    test('an upload that does not come to its end is told so, and nothing of it stays', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--drain-timeout', '1'] });
      const socket = connect(server.port, '127.0.0.1');
      let state: unknown;
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk));
      socket.write('POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbegins');
      do state = await (await fetch(`${server.url}/v1/server`)).json();
      while ((state as { uploads: { active: number } }).uploads.active === 0);
      const closed = once(socket, 'close');
      const exit = server.kill('SIGTERM');
      await closed;
      assert.match(answer, /^HTTP\/1.1 503 .*"code":"draining"/s);
      assert.match(answer, /retry-after: \d/i);
      assert.equal(await exit, 0);
      assert.deepEqual(filesBelow(join(server.dataDir, 'tmp')), []);
    });

    test('a second SIGTERM stops at once, and an accepted job goes on at the next start', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'penstock-drain-'));
      try {
        let id: string;
        {
          await using server = await startServer({ args: ['--transport', transport], dataDir });
          const api = apiOf(server);
          id = (await api.json(await api.run('?dpi=110', SAMPLE, { prefer: 'respond-async' }))).id;
          const exit = server.kill('SIGTERM');
          let ready: Response;
          do ready = await fetch(`${server.url}/readyz`);
          while (ready.status === 200);
          server.child.kill('SIGTERM');
          assert.equal(await exit, 0);
        }
        await using server = await startServer({ args: ['--transport', transport], dataDir });
        const job = await apiOf(server).get(`/v1/jobs/${id}?wait=60`);
        assert.deepEqual([job.status, job.error], ['succeeded', undefined]);
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
  });
}
