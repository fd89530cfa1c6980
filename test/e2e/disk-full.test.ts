import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { temporaryFolder } from '../fixtures/temporary.ts';
import { startServer, type TestServer } from './server.ts';
import { missingTool, needsRoot } from './tools.ts';

const SAMPLE = readFileSync(new URL('../../data/sample-17-pages.pdf', import.meta.url));

interface JobView {
  readonly id: string;
  readonly status: string;
  readonly message: string | null;
  readonly error?: { readonly code: string; readonly detail: string };
}

/** A disk of its own, gone after the test. */
function mountDisk(options: string): Disposable & { readonly folder: string } {
  const folder = temporaryFolder('tmpfs');
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  return { folder, [Symbol.dispose]: () => execFileSync('umount', ['-l', folder]) };
}

/** The same files once more on top, read-only: a disk with open files cannot be remounted so. */
function coverReadOnly(folder: string): Disposable {
  execFileSync('mount', ['--bind', folder, folder]);
  execFileSync('mount', ['-o', 'remount,ro,bind', folder]);
  return { [Symbol.dispose]: () => execFileSync('umount', ['-l', folder]) };
}

/** Takes all the room that is left. */
function fill(folder: string): void {
  const file = openSync(join(folder, 'fill'), 'a');
  for (const size of [1 << 20, 1 << 16, 4096]) {
    try {
      while (writeSync(file, Buffer.alloc(size)) === size);
    } catch (error) {
      assert.match(String(error), /ENOSPC/);
    }
  }
  closeSync(file);
}

async function render({ url }: TestServer, query: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/pdf2image?${query}`, { method: 'POST', body: new Uint8Array(SAMPLE), headers });
}

async function look({ url }: TestServer, id: string, waitS: number): Promise<JobView> {
  const answer = await fetch(`${url}/v1/jobs/${id}?wait=${waitS}`);
  assert.equal(answer.status, 200, `job ${id} is known`);
  return (await answer.json()) as JobView;
}

/** The job once it has ended, or tells that it would have, on a disk that is kept full. */
async function whileFull(server: TestServer, folder: string, id: string): Promise<JobView> {
  for (;;) {
    fill(folder);
    const job = await look(server, id, 0.2);
    if (isFinal(job) || job.message?.includes('as soon as it can be stored')) return job;
  }
}

const isFinal = ({ status }: JobView) => status !== 'queued' && status !== 'running';
const told = ({ id, status, error }: JobView) => `${id} ${status} ${error?.code}`;

suite('a disk that fills up', { skip: missingTool('mount') ?? needsRoot() ?? false, timeout: 120_000 }, () => {
  test('under accepted jobs: what was told of a job stays, also after kill -9', async () => {
    using disk = mountDisk('size=24m');
    const options = { dataDir: join(disk.folder, 'd'), args: ['--workers', '1'] };
    const first = await startServer(options);
    const jobs: string[] = [];
    for (const dpi of [100, 101, 102]) {
      const accepted = await render(first, `dpi=${dpi}&pages=1-6`, { prefer: 'respond-async' });
      assert.equal(accepted.status, 202);
      jobs.push(((await accepted.json()) as JobView).id);
    }
    const early: JobView[] = [];
    for (const id of jobs) early.push(await whileFull(first, disk.folder, id));
    rmSync(join(disk.folder, 'fill'));
    const ended = await Promise.all(jobs.map((id) => look(first, id, 30)));
    assert.ok(ended.every(isFinal), JSON.stringify(ended));
    for (const [index, job] of early.entries()) {
      const { id, error } = ended[index] ?? assert.fail('one end for each');
      if (isFinal(job)) assert.equal(told(ended[index] ?? job), told(job));
      assert.ok(error === undefined || error.code === 'storage_full', `${id}: ${error?.code}`);
      assert.doesNotMatch(error?.detail ?? '', /ENOSPC|EDQUOT/);
    }
    await first.kill('SIGKILL');

    await using second = await startServer(options);
    const again = await Promise.all(jobs.map((id) => look(second, id, 30)));
    assert.deepEqual(again.map(told), ended.map(told));
  });

  for (const transport of ['uws', 'node'] as const) {
    test(`under a render is 507 with Retry-After over ${transport}, in words that help`, async () => {
      using disk = mountDisk('size=3m');
      await using server = await startServer({ dataDir: disk.folder, args: ['--transport', transport] });
      const answer = await render(server, 'dpi=200&pages=1-8');
      const { code, detail } = (await answer.json()) as { code: string; detail: string };
      assert.deepEqual([answer.status, code], [507, 'storage_full'], detail);
      assert.ok(Number(answer.headers.get('retry-after')) > 0);
      assert.doesNotMatch(detail, /ENOSPC/);
    });

    test(`that has no inode left is not ready over ${transport}, and says so`, async () => {
      using disk = mountDisk('size=60m,nr_inodes=200');
      await using server = await startServer({ dataDir: disk.folder, args: ['--transport', transport] });
      assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
      for (let file = 0; ; file++) {
        try {
          closeSync(openSync(join(disk.folder, `taken-${file}`), 'w'));
        } catch (error) {
          assert.match(String(error), /ENOSPC/);
          break;
        }
      }
      const answer = await render(server, 'dpi=30');
      assert.equal(answer.status, 507);
      assert.match(((await answer.json()) as { detail: string }).detail, /inodes|full/);
      let ready = await fetch(`${server.url}/readyz`);
      while (ready.status === 200) ready = await fetch(`${server.url}/readyz`);
      assert.match(await ready.text(), /inodes/);
    });

    test(`that turns read-only answers 507 over ${transport}, in words that help`, async () => {
      using disk = mountDisk('size=60m');
      await using server = await startServer({ dataDir: disk.folder, args: ['--transport', transport] });
      const id = ((await (await fetch(`${server.url}/file`, { method: 'POST', body: 'kept' })).json()) as JobView).id;
      using _readOnly = coverReadOnly(disk.folder);
      const tus = { 'tus-resumable': '1.0.0', 'upload-length': '5' };
      for (const answer of [
        await fetch(`${server.url}/file`, { method: 'POST', body: 'x' }),
        await render(server, 'dpi=30'),
        await fetch(`${server.url}/v1/uploads`, { method: 'POST', headers: tus }),
        await fetch(`${server.url}/v1/files/${id}`, { method: 'DELETE' }),
      ]) {
        const { code, detail } = (await answer.json()) as { code: string; detail: string };
        assert.deepEqual([answer.status, code], [507, 'storage_full'], `${answer.url}: ${detail}`);
        assert.match(detail, /read-only/);
      }
      assert.equal(await (await fetch(`${server.url}/v1/files/${id}`)).text(), 'kept');
      assert.equal((await fetch(`${server.url}/readyz`)).status, 503);
    });
  }
});
