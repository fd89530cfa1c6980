import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { notesOf } from '../../loadtest/harness/notes.ts';
import { apiOf, SAMPLE } from './jobs-api.ts';
import { filesBelow, startServer, type TestServer } from './server.ts';

const ASYNC = { prefer: 'respond-async' };

suite('kill -9', () => {
  test('accepted jobs go on after the restart, under their ids, and nothing is left over', async () => {
    await using folder = createFolder();
    const ids: (string | undefined)[] = [];
    {
      await using server = await folder.start();
      const api = apiOf(server);
      for (const dpi of [90, 91, 92]) ids.push((await api.json(await api.run(`?dpi=${dpi}`, SAMPLE, ASYNC))).id);
      const continued = await api.json(await api.run('?dpi=93&deadline=0.1&on_timeout=continue', SAMPLE));
      ids.push(continued.job_id);
      await untilBegun(folder.path, server, `${ids[0]}-1`);
    }
    await using server = await folder.start();
    const api = apiOf(server);
    for (const id of ids) {
      const job = await api.get(`/v1/jobs/${id}?wait=60`);
      assert.deepEqual([job.status, job.error, job.result?.pages.length], ['succeeded', undefined, 17]);
      for (const { url, bytes } of job.result?.pages ?? []) {
        const page = url.replace(/^http:\/\/[^/]+/, server.url);
        assert.equal((await (await fetch(page)).arrayBuffer()).byteLength, bytes);
      }
    }
    assert.deepEqual(leftOver(folder.path), []);
  });

  test('a job in the midst of which the server died twice fails as worker_crashed', async () => {
    await using folder = createFolder();
    let id: string | undefined;
    {
      await using server = await folder.start();
      const api = apiOf(server);
      id = (await api.json(await api.run('?dpi=600', SAMPLE, ASYNC))).id;
      await untilBegun(folder.path, server, `${id}-1`);
    }
    {
      await using server = await folder.start();
      const api = apiOf(server);
      await untilBegun(folder.path, server, `${id}-2`);
      const again = await api.get(`/v1/jobs/${id}`);
      assert.deepEqual([again.status, again.attempt, again.error], ['running', 2, undefined]);
    }
    await using server = await folder.start();
    const job = await apiOf(server).get(`/v1/jobs/${id}?wait=10`);
    assert.deepEqual([job.status, job.error?.code, job.attempt], ['failed', 'worker_crashed', 2]);
    assert.deepEqual(leftOver(folder.path), []);
  });

  test('the outputs of a job whose caller died with the server are removed at the next start', async () => {
    await using folder = createFolder();
    {
      await using server = await folder.start();
      const lost = apiOf(server).run('?dpi=150', SAMPLE);
      lost.catch(() => undefined);
      do await fetch(`${server.url}/healthz`);
      while (!filesBelow(folder.path).some((path) => path.startsWith('blobs/results/')));
    }
    await using server = await folder.start();
    const left = () => filesBelow(folder.path).filter((path) => path.startsWith('blobs/results/'));
    // The start waits for that only a moment.
    for (const end = performance.now() + 10_000; left().length > 0; await fetch(`${server.url}/healthz`))
      assert.ok(performance.now() < end, `still there: ${left()}`);
  });
});

function createFolder() {
  const path = mkdtempSync(join(tmpdir(), 'penstock-crash-'));
  return {
    path,
    /** Its disposal is the kill -9. */
    start: () => startServer({ dataDir: path, args: ['--workers', '2'] }),
    [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Until it is on record that the run has begun. */
async function untilBegun(folder: string, { url }: TestServer, run: string): Promise<void> {
  do await fetch(`${url}/healthz`);
  while (!notesOf(folder).includes(`attempts/${run}`));
}

/** Markers, begun attempts and working folders. */
function leftOver(folder: string): string[] {
  return [...notesOf(folder), ...filesBelow(folder).filter((path) => /^(work|tmp)\//.test(path))];
}
