import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { apiOf, ONE_PAGE, SAMPLE } from './jobs-api.ts';
import { startServer } from './server.ts';

for (const transport of ['uws', 'node'] as const) {
  suite(`jobs over ${transport}`, () => {
    const args = ['--transport', transport, '--workers', '2'];

    test('respond-async is answered 202 with the job, its address and the preference applied, and the long poll brings the result', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const answer = await api.run('?dpi=50', SAMPLE, { prefer: 'respond-async' });
      assert.equal(answer.status, 202);
      assert.equal(answer.headers.get('preference-applied'), 'respond-async');
      const job = await api.json(answer);
      assert.equal(answer.headers.get('location'), `${server.url}/v1/jobs/${job.id}`);
      assert.equal(job.links?.self, `${server.url}/v1/jobs/${job.id}`);
      const done = await api.get(`/v1/jobs/${job.id}?wait=30`);
      assert.deepEqual([done.status, done.progress, done.attempt], ['succeeded', 1, 1]);
      assert.equal(done.result?.pages.length, 17);
      assert.equal((await fetch(`${done.result?.pages[0]?.url}`)).status, 200);
    });

    test('wait=N is answered 200 when the job is done by then, else 202, and the job goes on', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const quick = await api.run('?dpi=50', ONE_PAGE, { prefer: 'wait=20' });
      assert.deepEqual([quick.status, quick.headers.get('preference-applied')], [200, 'wait=20']);
      const slow = await api.run('?dpi=120', SAMPLE, { prefer: 'respond-async, wait=0.2' });
      assert.deepEqual([slow.status, slow.headers.get('preference-applied')], [202, 'respond-async, wait=0.2']);
      const job = await api.json(slow);
      const early = await api.get(`/v1/jobs/${job.id}?wait=0.1`);
      assert.ok(['queued', 'running'].includes(early.status), early.status);
      assert.equal((await api.get(`/v1/jobs/${job.id}?wait=60`)).status, 'succeeded');
    });

    test('on_timeout=continue is answered 504 with the job id, and the job goes on', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const answer = await api.run('?dpi=120&deadline=0.2&on_timeout=continue', SAMPLE);
      const problem = await api.json(answer);
      assert.deepEqual([answer.status, problem.code], [504, 'deadline_exceeded']);
      assert.equal((await api.get(`/v1/jobs/${problem.job_id}?wait=60`)).status, 'succeeded');
    });

    test('an asynchronous job with a deadline ends timed_out', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const job = await api.json(await api.run('?dpi=600&deadline=0.3', SAMPLE, { prefer: 'respond-async' }));
      const ended = await api.get(`/v1/jobs/${job.id}?wait=20`);
      assert.deepEqual([ended.status, ended.error?.code], ['timed_out', 'deadline_exceeded']);
    });

    test('cancelling twice has one outcome; an unknown job is 404', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      const job = await api.json(await api.run('?dpi=600', SAMPLE, { prefer: 'respond-async' }));
      const first = await fetch(`${server.url}/v1/jobs/${job.id}`, { method: 'DELETE' });
      const second = await fetch(`${server.url}/v1/jobs/${job.id}`, { method: 'DELETE' });
      assert.deepEqual([first.status, second.status], [200, 200]);
      const [a, b] = [await api.json(first), await api.json(second)];
      assert.deepEqual([a.status, b.status, a.finished_at], ['cancelled', 'cancelled', b.finished_at]);
      const unknown = await fetch(`${server.url}/v1/jobs/01HZZZZZZZZZZZZZZZZZZZZZZZ`, { method: 'DELETE' });
      assert.equal(unknown.status, 404);
    });

    test('the list is newest first, filters, and pages by cursor over live and ended jobs', async () => {
      await using server = await startServer({ args });
      const api = apiOf(server);
      for (const page of [1, 2, 3]) assert.equal((await api.run(`?dpi=30&pages=${page}`, SAMPLE)).status, 200);
      const live = await api.json(await api.run('?dpi=600', SAMPLE, { prefer: 'respond-async' }));
      const all = await api.list('?limit=10');
      assert.equal(all.jobs.length, 4);
      assert.equal(all.jobs[0]?.id, live.id);
      assert.equal(all.next, null);
      const first = await api.list('?limit=2');
      const second = await api.list(`?limit=2&after=${first.next}`);
      assert.deepEqual(
        [...first.jobs, ...second.jobs].map(({ id }) => id),
        all.jobs.map(({ id }) => id),
      );
      assert.equal((await api.list('?status=succeeded')).jobs.length, 3);
      assert.equal((await api.list('?task=nothing')).jobs.length, 0);
      assert.equal((await fetch(`${server.url}/v1/jobs?status=odd`)).status, 422);
    });

    test('a waiting job tells its position and how long it is likely to wait', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--workers', '1'] });
      const api = apiOf(server);
      await api.run('?dpi=200', SAMPLE, { prefer: 'respond-async' });
      await api.run('?dpi=201', SAMPLE, { prefer: 'respond-async' });
      const third = await api.json(await api.run('?dpi=202', SAMPLE, { prefer: 'respond-async' }));
      assert.ok((third.queue_position ?? 0) >= 1, JSON.stringify(third));
      assert.ok((third.estimated_wait_s ?? -1) >= 0);
    });

    test('a job that has expired is 410', async () => {
      await using server = await startServer({ args: [...args, '--retention', '1'] });
      const api = apiOf(server);
      const job = await api.json(await api.run('?dpi=30', ONE_PAGE, { prefer: 'respond-async' }));
      let answer: Response;
      do answer = await fetch(`${server.url}/v1/jobs/${job.id}?wait=1`);
      while (answer.status === 200);
      assert.deepEqual([answer.status, (await api.json(answer)).code], [410, 'gone']);
    });
  });
}
