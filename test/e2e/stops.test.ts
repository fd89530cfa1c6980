import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { apiOf, type Json, ONE_PAGE, SAMPLE } from './jobs-api.ts';
import { assertIdle, blobsOf, filesBelow, restedHosts, startServer, type TestServer } from './server.ts';

/** One page that takes a worker many seconds, most of them in one call of native code. */
const LONG_PAGE = '?dpi=900&format=webp&quality=100';
/** Seventeen pages, in seconds. */
const LONG_DOCUMENT = '?dpi=300';
/** Pages of some seconds each. */
const LONG_PAGES = '?dpi=400&format=webp&quality=100';
const FRESH = { 'cache-control': 'no-cache' };
const CAUSES = ['deadline', 'cancel', 'client gone'] as const;
type Cause = (typeof CAUSES)[number];

const FINAL = { deadline: 'timed_out', cancel: 'cancelled', 'client gone': 'cancelled' } as const;

for (const transport of ['uws', 'node'] as const) {
  suite(`what stops the CPU over ${transport}`, () => {
    let server: TestServer;
    /** For a page of LONG_DOCUMENT, on this machine. */
    let pageS: number;
    before(async () => {
      server = await startServer({ args: ['--transport', transport, '--workers', '1'] });
      // The first job pays for loading the engine.
      await apiOf(server).run('?pages=1&dpi=30', ONE_PAGE);
      const start = performance.now();
      await apiOf(server).run(`${LONG_DOCUMENT}&pages=1`, SAMPLE);
      pageS = (performance.now() - start) / 1000;
    });
    after(() => server[Symbol.asyncDispose]());

    test('uploading: the deadline answers 504 while bytes are still to come, and nothing of them is kept', async () => {
      const hosts = await restedHosts(server);
      const kept = keptBy(server);
      const answer = await postHalf(server, '/pdf2image?deadline=0.5').answer;
      assert.match(answer, /^HTTP\/1\.1 504 [\s\S]*"code":"deadline_exceeded"/);
      await assertStopped(server, hosts);
      assert.deepEqual(keptBy(server), kept);
    });

    test('uploading: a caller that hangs up leaves no job, no place taken and no byte', async () => {
      const hosts = await restedHosts(server);
      const kept = keptBy(server);
      const upload = postHalf(server, '/pdf2image');
      await until(async () => (await placesTaken(server)) === 1);
      upload.socket.destroy();
      await until(async () => (await placesTaken(server)) === 0);
      await assertStopped(server, hosts);
      assert.deepEqual(keptBy(server), kept);
    });

    test('uploading: a resumable upload that is terminated starts no job', async () => {
      const hosts = await restedHosts(server);
      const kept = keptBy(server);
      const tus = { 'tus-resumable': '1.0.0' };
      const metadata = `task ${Buffer.from('pdf2image').toString('base64')}`;
      const created = await fetch(`${server.url}/v1/uploads`, {
        method: 'POST',
        body: new Uint8Array(SAMPLE.subarray(0, 1000)),
        headers: {
          ...tus,
          'upload-length': String(SAMPLE.length),
          'upload-metadata': metadata,
          'content-type': 'application/offset+octet-stream',
        },
      });
      assert.equal(created.status, 201);
      const ended = await fetch(new URL(created.headers.get('location') ?? '', server.url), {
        method: 'DELETE',
        headers: tus,
      });
      assert.equal(ended.status, 204);
      await assertStopped(server, hosts);
      assert.deepEqual(keptBy(server), kept);
    });

    for (const cause of CAUSES) {
      test(`queued: ${cause} discards the job before it has run`, async () => {
        const hosts = await restedHosts(server);
        const api = apiOf(server);
        const ahead = await api.json(await api.run(LONG_PAGES, SAMPLE, { ...FRESH, prefer: 'respond-async' }));
        await using _ahead = { [Symbol.asyncDispose]: () => cancel(server, ahead.id) };
        // Its next page has just begun: nothing else gets the one worker meanwhile.
        await until(async () => (await api.get(`/v1/jobs/${ahead.id}`)).progress > 0);
        const job = await endBy(cause, server, {
          query: '?dpi=60',
          body: SAMPLE,
          deadlineS: 0.8,
          isReady: ({ status }) => status === 'queued',
        });
        assert.deepEqual([job.status, job.attempt, job.started_at], [FINAL[cause], 0, null]);
        assert.equal((await api.get(`/v1/jobs/${ahead.id}`)).status, 'running');
        await cancel(server, ahead.id);
        await assertStopped(server, hosts);
      });

      test(`running: ${cause} in the middle of a page frees the CPU within a second`, async () => {
        const hosts = await restedHosts(server);
        const job = await endBy(cause, server, {
          query: LONG_PAGE,
          body: ONE_PAGE,
          deadlineS: 2,
          isReady: ({ status }) => status === 'running',
        });
        assert.deepEqual([job.status, job.attempt, job.result], [FINAL[cause], 1, undefined]);
        await assertStopped(server, hosts);
      });

      test(`between pages: ${cause} starts no further page`, async () => {
        const hosts = await restedHosts(server);
        const job = await endBy(cause, server, {
          query: LONG_DOCUMENT,
          body: SAMPLE,
          deadlineS: Math.max(1.5, 4 * pageS),
          isReady: ({ progress }) => progress > 0.05,
        });
        assert.equal(job.status, FINAL[cause]);
        assert.ok(job.progress > 0 && job.progress < 1, `${job.progress}`);
        await assertStopped(server, hosts);
        assert.deepEqual(
          filesBelow(server.dataDir).filter((path) => path.includes(job.id) && path.includes('/results/')),
          [],
        );
      });
    }
  });
}

interface Work {
  readonly query: string;
  readonly body: Uint8Array;
  /** Long enough for the job to be ready by then. */
  readonly deadlineS: number;
  /** The job is in the phase in which it is to be stopped. */
  readonly isReady: (job: Json) => boolean;
}

/** Calls the task, ends the call in its phase by the cause, and returns the job as it is then. */
async function endBy(cause: Cause, server: TestServer, { query, body, deadlineS, isReady }: Work): Promise<Json> {
  const api = apiOf(server);
  const known = new Set((await api.list('')).jobs.map(({ id }) => id));
  const newest = async () => (await api.list('?limit=5')).jobs.find(({ id }) => !known.has(id));
  const caller = new AbortController();
  const deadline = cause === 'deadline' ? `&deadline=${deadlineS}` : '';
  const call = fetch(`${server.url}/pdf2image${query}${deadline}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: FRESH,
    signal: caller.signal,
  });
  call.catch(() => undefined);
  await until(async () => {
    const job = await newest();
    return job !== undefined && isReady(job);
  });
  const { id } = (await newest()) ?? assert.fail('the job is gone');
  if (cause === 'client gone') caller.abort();
  if (cause === 'cancel') await cancel(server, id);
  if (cause !== 'client gone') {
    const answer = await call;
    assert.equal(answer.status, cause === 'cancel' ? 409 : 504, await answer.text());
  }
  return api.get(`/v1/jobs/${id}?wait=5`);
}

/** A call whose body stops in its middle; `answer`: what has come by the end of the headers and the problem. */
function postHalf(server: TestServer, path: string) {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${SAMPLE.length}\r\n\r\n`);
  socket.write(SAMPLE.subarray(0, SAMPLE.length >> 1));
  const answer = (async () => {
    let text = '';
    while (!text.includes('"code"')) text += (await once(socket, 'data'))[0];
    socket.destroy();
    return text;
  })();
  answer.catch(() => undefined);
  return { socket, answer };
}

async function cancel({ url }: TestServer, id: string): Promise<void> {
  await fetch(`${url}/v1/jobs/${id}`, { method: 'DELETE' });
}

/** Files and outputs: records of jobs come a moment after their answers. */
function keptBy({ dataDir }: TestServer): string[] {
  return blobsOf(dataDir).filter((path) => /^(files|results)\//.test(path));
}

async function placesTaken({ url }: TestServer): Promise<number> {
  const { tasks } = (await (await fetch(`${url}/v1/server`)).json()) as {
    tasks: { task: string; waiting: number; running: number }[];
  };
  const task = tasks.find((each) => each.task === 'pdf2image');
  return (task?.waiting ?? 0) + (task?.running ?? 0);
}

/** Another process has no event for it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await isSo())) assert.ok(performance.now() < end, `still not so: ${isSo}`);
}

/** No place is taken, nothing lies in the working folders, and in the second after the first the hosts use no CPU. */
async function assertStopped(server: TestServer, hosts: readonly number[]): Promise<void> {
  await assertIdle(hosts);
  assert.equal(await placesTaken(server), 0);
  assert.deepEqual(
    filesBelow(server.dataDir).filter((path) => /^(work|tmp)\//.test(path)),
    [],
  );
}
