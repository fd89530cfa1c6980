import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { apiOf, SAMPLE } from './jobs-api.ts';
import { startServer } from './server.ts';
import { post, serveTasks } from './task-folder.ts';

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: { page: number; url: string; status: string };
}

/** Reads events until `isEnough`, or to the end of the stream. */
async function follow(url: string, lastId?: string, isEnough = (_: Event) => false): Promise<Event[]> {
  const answer = await fetch(url, { headers: lastId === undefined ? {} : { 'last-event-id': lastId } });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const events: Event[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      text = text.slice(end + 2);
      if (!fields.has('event')) continue;
      const event = {
        id: fields.get('id') ?? '',
        type: fields.get('event') ?? '',
        data: JSON.parse(fields.get('data') ?? ''),
      };
      events.push(event);
      if (isEnough(event)) return events;
    }
  }
  return events;
}

const pagesOf = (events: readonly Event[]) => events.filter(({ type }) => type === 'page').map(({ data }) => data.page);

for (const transport of ['uws', 'node'] as const) {
  suite(`following a job over ${transport}`, () => {
    test('events begin with the snapshot, resume after the last one seen, and end with done', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--workers', '2'] });
      const api = apiOf(server);
      const job = await api.json(await api.run('?dpi=60', SAMPLE, { prefer: 'respond-async' }));
      const url = `${server.url}/v1/jobs/${job.id}/events`;
      let count = 0;
      const first = await follow(url, undefined, ({ type }) => type === 'page' && ++count === 3);
      assert.equal(first[0]?.type, 'snapshot');
      const second = await follow(url, first.at(-1)?.id);
      assert.deepEqual(
        [second[0]?.type, second.at(-1)?.type, second.at(-1)?.data.status],
        ['snapshot', 'done', 'succeeded'],
      );
      const seen = [...pagesOf(first), ...pagesOf(second)];
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        Array.from({ length: 17 }, (_, index) => index + 1),
      );
      // Ended and out of the queue: the record tells the same.
      await api.get(`/v1/jobs/${job.id}?wait=5`);
      const third = await follow(url, first.at(-1)?.id);
      assert.deepEqual(pagesOf(third), pagesOf(second));
      const page = second.find(({ type }) => type === 'page')?.data.url ?? '';
      assert.equal((await fetch(page)).status, 200);
      const over = await fetch(url, { headers: { 'last-event-id': third.at(-1)?.id ?? '' } });
      assert.equal(over.status, 204);
    });

    test('the archive of a running job is a valid zip of all its pages', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--workers', '2'] });
      const api = apiOf(server);
      const job = await api.json(await api.run('?dpi=60', SAMPLE, { prefer: 'respond-async' }));
      const archive = await fetch(`${server.url}/v1/jobs/${job.id}/archive`);
      assert.deepEqual([archive.status, archive.headers.get('content-type')], [200, 'application/zip']);
      assert.equal(namesIn(Buffer.from(await archive.arrayBuffer())).length, 18);
      const cancelled = await api.json(await api.run('?dpi=300', SAMPLE, { prefer: 'respond-async' }));
      const asked = fetch(`${server.url}/v1/jobs/${cancelled.id}/archive`);
      await fetch(`${server.url}/v1/jobs/${cancelled.id}`, { method: 'DELETE' });
      const refused = await asked;
      // Unless the first page was there before the end.
      if (refused.status !== 200) assert.deepEqual([refused.status, (await api.json(refused)).code], [409, 'conflict']);
      const gone = await fetch(`${server.url}/v1/jobs/nothing/archive`);
      assert.equal(gone.status, 404);
    });
  });
}

test('the archive of a job has the files that its task gave back, by names that lead nowhere else', async () => {
  const run = "async run(_, { file }) { return [await file('../a.txt', 'one'), await file('a.txt', 'two')]; }";
  await using server = await serveTasks({ pair: `export default defineTask({ name: 'pair', ${run} });` });
  const { json: job } = await post(`${server.url}/pair`, {}, { prefer: 'respond-async' });
  const archive = await fetch(`${server.url}/v1/jobs/${job.id}/archive`);
  assert.deepEqual(namesIn(Buffer.from(await archive.arrayBuffer())), ['a.txt', '2-a.txt', 'result.json']);
});

/** What a foreign reader finds in a zip, which must be whole. */
function namesIn(zip: Uint8Array): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-zip-'));
  try {
    writeFileSync(join(folder, 'job.zip'), zip);
    const script =
      'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print("\\n".join(z.namelist()))';
    return execFileSync('python3', ['-c', script, join(folder, 'job.zip')])
      .toString()
      .trim()
      .split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
