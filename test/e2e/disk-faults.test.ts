import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { temporaryFolder } from '../fixtures/temporary.ts';
import { blobsOf, filesBelow, startServer, type TestServer } from './server.ts';
import { missingTool, needsRoot } from './tools.ts';

interface Problem {
  code: string;
  status: number;
}

const TUS = { 'tus-resumable': '1.0.0' };

/** One thread does all file work, so that strace counts its calls. */
const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' };

function fileThread({ child }: TestServer): string {
  const tasks = `/proc/${child.pid}/task`;
  const [thread] = readdirSync(tasks).filter((task) =>
    readFileSync(`${tasks}/${task}/comm`, 'utf8').includes('libuv-worker'),
  );
  assert.ok(thread);
  return thread;
}

interface Fault {
  readonly call: string;
  readonly error: string;
  /** Only calls on this file. */
  readonly path?: string;
}

/** Runs `body` while strace makes the next such system call of the server's file thread fail. */
async function withFault<T>(server: TestServer, { call, error, path }: Fault, body: () => Promise<T>): Promise<T> {
  const only = path === undefined ? [] : ['-P', path];
  const args = ['-p', fileThread(server), ...only, '-e', `inject=${call}:error=${error}:when=1`];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(strace, 'exit');
  let out = '';
  strace.stderr.on('data', (chunk) => (out += chunk));
  while (!out.includes('attached')) await once(strace.stderr, 'data');
  try {
    const result = await body();
    assert.match(out, /INJECTED/, 'the fault was never reached');
    return result;
  } finally {
    strace.kill('SIGINT');
    await exited;
  }
}

/** An upload whose temporary file is there before the call of its second write fails. */
async function uploadWithFailingWrite(server: TestServer, error: string): Promise<Response> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = fetch(`${server.url}/file`, { method: 'POST', body: readable, duplex: 'half' } as RequestInit);
  await writer.write(randomBytes(20_000));
  const folder = join(server.dataDir, 'tmp');
  while (readdirSync(folder).length === 0) await new Promise(setImmediate);
  const path = join(folder, readdirSync(folder)[0] ?? '');
  while (statSync(path).size === 0) await new Promise(setImmediate);
  return withFault(server, { call: 'write', error, path }, async () => {
    await writer.write(randomBytes(20_000));
    writer.close().catch(() => undefined); // the server may have answered and closed before
    return answer;
  });
}

async function upload(server: TestServer, bytes: Uint8Array): Promise<Response> {
  return fetch(`${server.url}/file`, { method: 'POST', body: new Uint8Array(bytes) });
}

async function createTus({ url }: TestServer, length: number): Promise<string> {
  const headers = { ...TUS, 'upload-length': `${length}` };
  const created = await fetch(`${url}/v1/uploads`, { method: 'POST', headers });
  return created.headers.get('location') ?? assert.fail(`no upload: ${created.status}`);
}

async function patchTus(url: string, offset: number, bytes: Uint8Array): Promise<Response> {
  const headers = { ...TUS, 'upload-offset': `${offset}`, 'content-type': 'application/offset+octet-stream' };
  return fetch(url, { method: 'PATCH', headers, body: new Uint8Array(bytes) });
}

function assertNothingKept(server: TestServer): void {
  assert.deepEqual(filesBelow(join(server.dataDir, 'tmp')), []);
  assert.deepEqual(blobsOf(server.dataDir), []);
}

suite('a disk that fails', { skip: missingTool('strace') ?? needsRoot() ?? false }, () => {
  for (const [call, error, status, code] of [
    ['openat', 'EMFILE', 503, 'too_many_uploads'],
    ['openat', 'EIO', 500, 'internal'],
    ['openat', 'ENOSPC', 507, 'storage_full'],
    ['openat', 'EDQUOT', 507, 'storage_full'],
    ['fdatasync', 'EIO', 500, 'internal'],
    ['fdatasync', 'ENOSPC', 507, 'storage_full'],
    ['fdatasync', 'EDQUOT', 507, 'storage_full'],
    ['rename', 'EIO', 500, 'internal'],
    ['rename', 'ENOSPC', 507, 'storage_full'],
    ['rename', 'EDQUOT', 507, 'storage_full'],
    ['fsync', 'EIO', 500, 'internal'],
    ['fsync', 'ENOSPC', 507, 'storage_full'],
    ['write', 'EIO', 500, 'internal'],
    ['write', 'ENOSPC', 507, 'storage_full'],
    ['write', 'EDQUOT', 507, 'storage_full'],
    ['write', 'EFBIG', 413, 'too_large'],
  ] as const) {
    test(`${call} with ${error} is ${status} ${code}, keeps nothing, and the next upload succeeds`, async () => {
      await using server = await startServer({ env: ONE_THREAD, args: ['--workers', '1'] });
      const first = (await (await upload(server, randomBytes(20_000))).json()) as { id: string };
      await fetch(`${server.url}/v1/files/${first.id}`, { method: 'DELETE' });
      const answer =
        call === 'write'
          ? await uploadWithFailingWrite(server, error)
          : await withFault(server, { call, error }, () => upload(server, randomBytes(20_000)));
      const problem = (await answer.json()) as Problem;
      assert.deepEqual([answer.status, problem.code], [status, code]);
      assertNothingKept(server);
      assert.equal((await upload(server, randomBytes(20_000))).status, 201);
      assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
    });
  }

  for (const [call, error, status] of [
    ['openat', 'EMFILE', 503],
    ['fdatasync', 'EIO', 500],
    ['fdatasync', 'ENOSPC', 507],
    ['fdatasync', 'EDQUOT', 507],
  ] as const) {
    test(`${call} with ${error} under a resumable upload is ${status}, and no offset is told that is not on the disk`, async () => {
      await using server = await startServer({ env: ONE_THREAD, args: ['--workers', '1'] });
      const bytes = randomBytes(20_000);
      const url = await createTus(server, bytes.length);
      const answer = await withFault(server, { call, error }, () => patchTus(url, 0, bytes));
      assert.equal(answer.status, status, await answer.text());
      const head = await fetch(url, { method: 'HEAD', headers: TUS });
      const offset = head.status === 200 ? Number(head.headers.get('upload-offset')) : 0;
      const again = head.status === 200 ? url : await createTus(server, bytes.length);
      const last = await patchTus(again, offset, bytes.subarray(offset));
      assert.equal(last.status, 204);
      const stored = await fetch(last.headers.get('content-location') ?? assert.fail('no file'));
      assert.ok(bytes.equals(Buffer.from(await stored.arrayBuffer())));
    });
  }

  test('bytes of a resumable upload that turn out to be lost are told to nobody, and the server is not ready', async () => {
    await using server = await startServer({ env: ONE_THREAD, args: ['--workers', '1'] });
    const bytes = randomBytes(20_000);
    const url = await createTus(server, bytes.length);
    assert.equal((await patchTus(url, 0, bytes.subarray(0, 10_000))).status, 204);
    const ask = () => fetch(url, { method: 'HEAD', headers: TUS });
    const first = await withFault(server, { call: 'fdatasync', error: 'EIO' }, ask);
    assert.equal(first.status, 500);
    assert.equal((await fetch(`${server.url}/readyz`)).status, 503);
    assert.equal((await ask()).status, 404);
    const again = await createTus(server, bytes.length);
    assert.equal((await patchTus(again, 0, bytes)).status, 204);
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  });

  test('a resumable upload that cannot be linked is copied, and the copy is on the disk before its name is', async () => {
    await using server = await startServer({ env: ONE_THREAD, args: ['--workers', '1'] });
    const url = await createTus(server, 3000);
    const strace = spawn(
      'strace',
      ['-y', '-p', fileThread(server), '-e', 'trace=link,fdatasync,rename', '-e', 'inject=link:error=EPERM'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const exited = once(strace, 'exit');
    let out = '';
    strace.stderr.on('data', (chunk) => (out += chunk));
    while (!out.includes('attached')) await once(strace.stderr, 'data');
    const last = await patchTus(url, 0, randomBytes(3000));
    strace.kill('SIGINT');
    await exited;
    assert.equal(last.status, 204);
    const [, copy] = /link\("[^"]*", "([^"]*)"\) = -1 EPERM/.exec(out) ?? assert.fail(out);
    const synced = out.indexOf(`<${copy}>) = 0`);
    assert.ok(synced > 0 && synced < out.indexOf(`rename("${copy}"`), out);
  });

  test('200 acknowledged uploads make their system calls in the promised order', async () => {
    await using server = await startServer({ env: ONE_THREAD, args: ['--workers', '1'] });
    const trace = join(temporaryFolder('strace'), 'trace');
    const calls = 'trace=write,fdatasync,fsync,rename';
    const strace = spawn('strace', ['-y', '-p', fileThread(server), '-o', trace, '-e', calls], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = once(strace, 'exit');
    await once(strace.stderr, 'data');
    const ids: string[] = [];
    for (let batch = 0; batch < 25; batch++) {
      const answers = await Promise.all(Array.from({ length: 8 }, () => upload(server, randomBytes(3000))));
      for (const answer of answers) ids.push(((await answer.json()) as { id: string }).id);
    }
    strace.kill('SIGINT');
    await exited;
    const lines = readFileSync(trace, 'utf8').split('\n');
    const indexOf = (pattern: RegExp, from = 0) =>
      lines.findIndex((line, index) => index >= from && pattern.test(line));
    for (const id of ids) {
      for (const suffix of ['', '.json']) {
        const renamed = indexOf(
          new RegExp(`rename\\("[^"]*/(tmp/[^"]+)", "[^"]*/files/${id}${suffix.replace('.', '[.]')}"\\) = 0`),
        );
        const [, temporary] = /\/(tmp\/[^"]+)", /.exec(lines[renamed] ?? '') ?? [];
        assert.ok(temporary, `${id}${suffix} was renamed`);
        const lastWrite = lines.findLastIndex((line) => line.startsWith('write(') && line.includes(`/${temporary}>`));
        const synced = indexOf(new RegExp(`fdatasync\\([^)]*/${temporary}>\\) = 0`), lastWrite);
        const folder = indexOf(/fsync\([^)]*\/files>\) = 0/, renamed);
        assert.ok(
          lastWrite >= 0 && lastWrite < synced && synced < renamed && renamed < folder,
          `${id}${suffix}: ${[lastWrite, synced, renamed, folder]}`,
        );
      }
    }
  });
});

suite('a small disk', { skip: missingTool('mount') ?? needsRoot() ?? false }, () => {
  for (const transport of ['uws', 'node'] as const) {
    test(`that is full answers 507 over ${transport}, keeps nothing of it, and takes what fits`, async () => {
      const folder = temporaryFolder('tmpfs');
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
      try {
        await using server = await startServer({ dataDir: folder, args: ['--transport', transport] });
        const small = randomBytes(1_000_000);
        assert.equal((await upload(server, small)).status, 201);
        async function* unknownLength() {
          for (let part = 0; part < 20; part++) yield randomBytes(1_000_000);
        }
        const declared = await upload(server, randomBytes(20_000_000));
        const chunked = await fetch(`${server.url}/file`, {
          method: 'POST',
          body: unknownLength(),
          duplex: 'half',
        } as RequestInit);
        for (const answer of [declared, chunked]) {
          assert.deepEqual([answer.status, ((await answer.json()) as Problem).code], [507, 'storage_full']);
        }
        assert.deepEqual(filesBelow(join(folder, 'tmp')), []);
        const kept = Buffer.from(await (await fetch(`${server.url}/file`)).arrayBuffer());
        assert.equal(createHash('sha256').update(kept).digest('hex'), createHash('sha256').update(small).digest('hex'));
        assert.equal((await upload(server, small)).status, 201);
      } finally {
        execFileSync('umount', ['-l', folder]);
      }
    });
  }
});

suite('limits of the process', { skip: missingTool('prlimit') ?? false }, () => {
  test('a file size limit answers 413 and the server lives', async () => {
    await using server = await startServer({ prefix: ['prlimit', '--fsize=5000000'] });
    const answer = await upload(server, randomBytes(8_000_000));
    assert.deepEqual([answer.status, ((await answer.json()) as Problem).code], [413, 'too_large']);
    assertNothingKept(server);
    assert.equal((await upload(server, randomBytes(1000))).status, 201);
  });
});
