import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createClient, type FileSource, PenstockError } from '../../src/client/client.ts';
import { randomFrom, startCuttingProxy } from './cutting-proxy.ts';
import { SAMPLE } from './jobs-api.ts';
import { startServer } from './server.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const PAGES = 17;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const TASKS = {
  count: `import { defineTask, z } from 'penstock';
export default defineTask({
  name: 'count', input: z.object({ to: z.int().min(0) }),
  *run({ to }) { for (let n = 1; n <= to; n++) yield n; },
});`,
  echo: `import { defineTask, z } from 'penstock';
export default defineTask({
  name: 'echo', runs: 'inline', input: z.object({ words: z.array(z.string()) }), run: ({ words }) => words,
});`,
  weigh: `import { defineTask, z } from 'penstock';
export default defineTask({
  name: 'weigh', input: z.object({ factor: z.number() }), files: { files: { kind: 'file', many: true } },
  run: ({ factor }, { files }) => files.files.map(({ size }) => size * factor),
});`,
};

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

for (const transport of ['uws', 'node'] as const) {
  suite(`client over ${transport}`, () => {
    const start = (...args: string[]) => startServer({ args: ['--transport', transport, '--workers', '2', ...args] });

    test('awaiting a run gives the result, and its links give the pages', async () => {
      await using server = await start();
      const client = createClient({ url: server.url });
      const result = await client.run('pdf2image', SAMPLE, { dpi: 50, pages: '1-3' });
      assert.equal(result.page_count, 3);
      const [first] = result.pages;
      const page = await client.download(first?.url ?? '');
      assert.equal(page.headers.get('content-type'), 'image/png');
      assert.equal((await page.bytes()).byteLength, first?.bytes);
      const same = await client.tasks.pdf2image(SAMPLE, { dpi: 50, pages: '1-3' });
      assert.deepEqual(same, result);
    });

    test('a run is a handle, too: its pages come while it runs, and so does its progress', async () => {
      await using server = await start();
      const client = createClient({ url: server.url });
      const run = client.run('pdf2image', SAMPLE, { dpi: 100 });
      const fractions: number[] = [];
      const watching = (async () => {
        for await (const event of run.events()) if ('job' in event) fractions.push(event.job.progress);
      })();
      const pages: number[] = [];
      let isFirstEarly = false;
      for await (const { page } of run.pages()) {
        if (pages.length === 0) isFirstEarly = (await client.jobs.get((await run.accepted()).id)).status === 'running';
        pages.push(page);
      }
      await watching;
      assert.ok(isFirstEarly, 'the first page came while others were drawn');
      assert.deepEqual(
        pages.toSorted((a, b) => a - b),
        Array.from({ length: PAGES }, (_, index) => index + 1),
      );
      assert.ok(fractions.some((fraction) => fraction > 0 && fraction < 1));
      assert.equal(fractions.at(-1), 1);
      assert.equal((await run).page_count, PAGES);
    });

    test('every kind of file arrives as it is', async () => {
      await using server = await start();
      const client = createClient({ url: server.url });
      const bytes = randomBytes(3 * MIB + 7);
      const folder = mkdtempSync(join(tmpdir(), 'penstock-client-'));
      const path = join(folder, 'Bögen.bin');
      writeFileSync(path, bytes);
      try {
        const sources: Record<string, FileSource> = {
          path,
          buffer: bytes,
          blob: new Blob([bytes]),
          file: new File([bytes], 'file.bin'),
          arrayBuffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
          nodeStream: createReadStream(path),
          webStream: new Blob([bytes]).stream(),
          generator: inPieces(bytes, 100_001),
          // Ends exactly where a piece does.
          evenly: inPieces(bytes.subarray(0, MIB), MIB),
        };
        for (const [kind, source] of Object.entries(sources)) {
          const file = await client.upload(source);
          const stored = await (await client.download(file.url)).bytes();
          assert.equal(sha256(stored), sha256(kind === 'evenly' ? bytes.subarray(0, MIB) : bytes), kind);
        }
        const named = await client.upload(path);
        const { headers } = await client.download(named.url);
        assert.match(headers.get('content-disposition') ?? '', /filename\*=UTF-8''B%C3%B6gen\.bin/i);
        const empty = await client.upload(new Blob([]));
        assert.equal(empty.size, 0);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    const seed = Date.now() % 100_000;
    test(`uploads go on after connections that are cut (seed ${seed})`, async () => {
      const random = randomFrom(seed);
      await using server = await start();
      const nextCut = () => 1 + Math.floor(random() * 800 * KIB);
      await using proxy = await startCuttingProxy({ targetPort: server.port, nextCut });
      const client = createClient({ url: `http://127.0.0.1:${proxy.port}` });
      const bytes = randomBytes(4 * MIB + 3);
      const seen: number[] = [];
      const onProgress = ({ sentBytes }: { sentBytes: number }) => void seen.push(sentBytes);
      const [known, streamed] = await Promise.all([
        client.upload(new Blob([bytes]), { onProgress }),
        client.upload(inPieces(bytes, 64 * KIB)),
      ]);
      for (const { id } of [known, streamed])
        assert.equal(sha256(await (await fetch(`${server.url}/v1/files/${id}`)).bytes()), sha256(bytes));
      assert.ok(proxy.cuts() > 5, `${proxy.cuts()} cuts`);
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a - b),
      );
      assert.equal(seen.at(-1), bytes.byteLength);
    });

    test(`a run survives connections that are cut, and tells each page once (seed ${seed})`, async () => {
      const random = randomFrom(seed);
      await using server = await start();
      const nextCut = () => 3 * KIB + Math.floor(random() * 9 * KIB);
      await using proxy = await startCuttingProxy({ targetPort: server.port, nextCut });
      const { id } = await createClient({ url: server.url }).upload(SAMPLE);
      const client = createClient({ url: `http://127.0.0.1:${proxy.port}`, retries: 20 });
      const run = client.run('pdf2image', { file: id, dpi: 50 });
      const pages: number[] = [];
      for await (const { page } of run.pages()) pages.push(page);
      assert.equal(new Set(pages).size, PAGES);
      assert.equal(pages.length, PAGES);
      assert.ok(proxy.cuts() > 0, `${proxy.cuts()} cuts`);
      const { jobs } = await createClient({ url: server.url }).jobs.list({ task: 'pdf2image' });
      assert.equal(jobs.length, 1, 'a repeated call makes no second job');
    });

    test('kill -9 of the server: the upload and the job of a client go on with the next one', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'penstock-client-'));
      try {
        const first = await startServer({ args: ['--transport', transport, '--workers', '1'], dataDir });
        const client = createClient({ url: first.url, retries: 12 });
        const bytes = randomBytes(6 * MIB);
        const halfway = Promise.withResolvers<void>();
        const killed = Promise.withResolvers<void>();
        async function* untilKilled(): AsyncGenerator<Uint8Array> {
          yield bytes.subarray(0, 3 * MIB);
          await killed.promise;
          yield bytes.subarray(3 * MIB);
        }
        const onProgress = ({ sentBytes }: { sentBytes: number }) => sentBytes > 0 && halfway.resolve();
        const upload = client.upload(untilKilled(), { onProgress });
        const run = client.run('pdf2image', SAMPLE, { dpi: 200 });
        const pages = Array.fromAsync(run.pages());
        await Promise.all([run.accepted(), halfway.promise]);
        await first.kill('SIGKILL');
        killed.resolve();
        await using second = await startServer({
          args: ['--transport', transport, '--workers', '1', '--port', String(first.port)],
          dataDir,
        });
        const { id } = await upload;
        assert.equal(sha256(await (await fetch(`${second.url}/v1/files/${id}`)).bytes()), sha256(bytes));
        assert.equal((await run).page_count, PAGES);
        assert.equal((await pages).length, PAGES);
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    });

    test('an aborted signal and cancel() stop the job on the server', async () => {
      await using server = await start();
      const client = createClient({ url: server.url });
      const leaving = new AbortController();
      const reason = new Error('enough');
      const aborted = client.run('pdf2image', SAMPLE, { dpi: 600 }, { signal: leaving.signal });
      const first = await aborted.accepted();
      leaving.abort(reason);
      await assert.rejects(aborted, reason);
      assert.equal((await client.jobs.get(first.id)).status, 'cancelled');

      const cancelled = client.run('pdf2image', SAMPLE, { dpi: 599 });
      const second = await cancelled.accepted();
      await cancelled.cancel();
      await assert.rejects(cancelled, { code: 'cancelled' });
      assert.equal((await client.jobs.get(second.id)).status, 'cancelled');

      const followed = client.run('pdf2image', SAMPLE, { dpi: 598 });
      const third = await followed.accepted();
      assert.equal((await client.jobs.cancel(third.id)).status, 'cancelled');
      await assert.rejects(followed, { code: 'cancelled', jobId: third.id });
      const { jobs } = await client.jobs.list({ status: 'cancelled', limit: 2 });
      assert.equal(jobs.length, 2);
    });

    test('errors carry the code of the server', async () => {
      await using server = await start('--api-keys', 'sesame');
      const client = createClient({ url: server.url, apiKey: 'sesame' });
      const cases: [() => Promise<unknown>, { code: string; status?: number }][] = [
        [() => createClient({ url: server.url }).describe(), { code: 'unauthorized', status: 401 }],
        [() => client.run('pdf2image', Buffer.from('%PDF-1.7 not really')), { code: 'invalid_pdf' }],
        [() => client.run('pdf2image', SAMPLE, { dpi: 100_000 }), { code: 'invalid_input', status: 422 }],
        [() => client.run('pdf2image', SAMPLE, { dpi: 600 }, { deadlineS: 0.2 }), { code: 'deadline_exceeded' }],
        [() => client.run('nothing', {}), { code: 'not_found', status: 404 }],
        [() => client.run('pdf2image', '/nowhere.pdf'), { code: 'invalid_input', status: 0 }],
      ];
      for (const [call, expected] of cases)
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof PenstockError);
          assert.partialDeepStrictEqual({ code: error.code, status: error.status }, expected);
          return true;
        });
      const unreachable = createClient({ url: 'http://127.0.0.1:9', retries: 0 });
      await assert.rejects(unreachable.server(), { code: 'unreachable' });
    });

    test('tasks of every kind are called alike: streamed items, endpoints without jobs, files by name', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'penstock-client-'));
      try {
        for (const [name, code] of Object.entries(TASKS)) writeFileSync(join(folder, `${name}.ts`), code);
        await using server = await start('--tasks', folder);
        const client = createClient({ url: server.url });
        assert.deepEqual(await Array.fromAsync(client.stream('count', { to: 3 })), [1, 2, 3]);
        await assert.rejects(Array.fromAsync(client.stream('count', { to: -1 })), { code: 'invalid_input' });
        const seen: unknown[] = [];
        for await (const item of client.stream('count', { to: 1e9 })) if (seen.push(item) === 5) break;
        assert.deepEqual(seen, [1, 2, 3, 4, 5]);
        const answer = client.run('echo', { words: ['a', 'b'] });
        assert.deepEqual(await answer, ['a', 'b']);
        await assert.rejects(answer.accepted(), { code: 'no_job' });
        const files = [Buffer.from('one'), new Blob(['three'])];
        assert.deepEqual(await client.run('weigh', { files, factor: 2 }), [6, 10]);
        const job = await client.submit('weigh', { files, factor: 3 });
        assert.deepEqual(await client.jobs.follow(job.id), [9, 15]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    test('a job that another process started can be followed', async () => {
      await using server = await start();
      const { id } = await createClient({ url: server.url }).run('pdf2image', SAMPLE, { dpi: 40 }).accepted();
      const run = createClient({ url: server.url }).jobs.follow<{ page_count: number }>(id);
      assert.equal((await run).page_count, PAGES);
      const again = createClient({ url: server.url }).jobs.follow(id);
      const pages = await Array.fromAsync(again.pages());
      assert.equal(pages.length, PAGES);
    });
  });
}
