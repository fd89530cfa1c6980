import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { createClient } from '../../src/client/client.ts';
import { SAMPLE } from './jobs-api.ts';
import { startServer, type TestServer } from './server.ts';

const BIN = new URL('../../src/bin.ts', import.meta.url).pathname;
const PDF = new URL('../../data/sample-17-pages.pdf', import.meta.url).pathname;
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(
  server: Pick<TestServer, 'url'>,
  args: readonly string[],
  command = [process.execPath, BIN],
): ChildProcess {
  const [program = '', ...rest] = [...command, ...args];
  return spawn(program, rest, { env: { ...process.env, PENSTOCK_URL: server.url, NO_COLOR: '1' } });
}

async function finish(child: ChildProcess, input: Uint8Array = Buffer.of()): Promise<Outcome> {
  assert.ok(child.stdin && child.stdout && child.stderr);
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, out, err };
}

const penstock = (server: Pick<TestServer, 'url'>, ...args: string[]) => finish(start(server, args));

/** The same on a terminal of its own. */
function onTerminal(server: TestServer, ...args: string[]): ChildProcess {
  const words = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(' ');
  // A shell that stays beside the command would end by the Ctrl-C itself, with a code of its own.
  return start(server, ['-qefc', `exec ${words}`, '/dev/null'], ['script']);
}

suite('command line', () => {
  test('run -o saves the pages, --json tells where, and a file may come from stdin', async () => {
    await using server = await startServer({ args: ['--workers', '2'] });
    const folder = mkdtempSync(join(tmpdir(), 'penstock-cli-'));
    try {
      const run = await penstock(server, 'run', 'pdf2image', PDF, '-i', 'dpi=40', '-o', folder, '--json');
      assert.equal(run.code, 0, run.err);
      const { job, result, saved } = JSON.parse(run.out);
      assert.equal(result.page_count, 17);
      assert.equal(saved.length, 17);
      assert.deepEqual(readdirSync(folder).length, 17);
      for (const path of saved) assert.deepEqual(readFileSync(path).subarray(0, 8), PNG);
      const one = await penstock(server, 'jobs', job, '--json');
      assert.equal(JSON.parse(one.out).status, 'succeeded');
      const piped = await finish(start(server, ['run', 'pdf2image', '-', '-i', 'dpi=40', '-i', 'pages=2']), SAMPLE);
      assert.equal(JSON.parse(piped.out).pages[0].page, 2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('exit codes tell scripts what went wrong', async () => {
    await using server = await startServer({ args: ['--workers', '1'] });
    await using closed = await startServer({ args: ['--api-keys', 'sesame', '--rate-limit', '1'] });
    const nobody = { url: 'http://127.0.0.1:1' };
    const cases: [number, Pick<TestServer, 'url'>, ...string[]][] = [
      [0, server, '--help'],
      [0, server, 'run', '--help'],
      [2, server],
      [2, server, 'nonsense'],
      [2, server, 'run'],
      [2, server, 'run', 'nonsense'],
      [2, server, 'run', 'pdf2image'],
      [2, server, 'run', 'pdf2image', PDF, '-i', 'nonsense=1'],
      [2, server, 'run', 'pdf2image', PDF, '-i', 'nonsense'],
      [3, nobody, '--retries', '0', 'jobs'],
      [4, server, 'run', 'pdf2image', BIN],
      [4, server, 'run', 'pdf2image', '/nowhere.pdf'],
      [4, server, 'run', 'pdf2image', PDF, '-i', 'dpi=99999'],
      [4, server, 'jobs', 'nothing'],
      [5, closed, 'jobs'],
      [0, closed, '--api-key', 'sesame', 'run', 'pdf2image', PDF, '-i', 'dpi=10', '-i', 'pages=1', '--detach'],
      [6, closed, '--api-key', 'sesame', '--retries', '0', 'run', 'pdf2image', PDF, '-i', 'dpi=10'],
      [7, server, 'run', 'pdf2image', PDF, '-i', 'dpi=500', '--deadline', '0.2'],
    ];
    for (const [code, { url }, ...args] of cases) {
      const outcome = await penstock({ url }, ...args);
      assert.equal(outcome.code, code, `${args.join(' ')}: ${outcome.err}`);
      assert.doesNotMatch(outcome.err, /\n\s+at /, 'no stack');
    }
    const told = await penstock(server, 'run', 'pdf2image', BIN, '--json');
    assert.equal(JSON.parse(told.out).error.code, 'invalid_pdf');
  });

  test('a detached job is listed and cancelled; Ctrl-C cancels the one that is waited for', async () => {
    await using server = await startServer({ args: ['--workers', '1'] });
    const client = createClient({ url: server.url });
    const detached = await penstock(server, 'run', 'pdf2image', PDF, '-i', 'dpi=1000', '--detach');
    const id = detached.out.trim();
    assert.equal((await penstock(server, 'cancel', id)).out.trim(), `${id}  cancelled`);
    assert.match((await penstock(server, 'jobs', '--task', 'pdf2image')).out, new RegExp(`${id}.* cancelled`));

    const waiting = start(server, ['run', 'pdf2image', PDF, '-i', 'dpi=999']);
    const outcome = finish(waiting);
    for (;;) {
      const { jobs } = await client.jobs.list({ status: 'running' });
      if (jobs.length > 0) break;
    }
    waiting.kill('SIGINT');
    assert.equal((await outcome).code, 130);
    const { jobs } = await client.jobs.list({ status: 'cancelled' });
    assert.equal(jobs.length, 2);
  });

  test('a terminal gets a bar, a pipe does not', async () => {
    await using server = await startServer({ args: ['--workers', '1'] });
    const shown = await finish(onTerminal(server, 'run', 'pdf2image', PDF, '-i', 'dpi=60'));
    assert.equal(shown.code, 0);
    assert.match(shown.out, /running {2}█+░* +\d+ % {2}\d+ of 17/);
    const piped = await penstock(server, 'run', 'pdf2image', PDF, '-i', 'dpi=61');
    assert.equal(piped.err, '');
    assert.equal(JSON.parse(piped.out).page_count, 17);
  });

  test('status is live on a terminal until Ctrl-C, and told once elsewhere', async () => {
    await using server = await startServer({ args: ['--workers', '1'] });
    const told = await penstock(server, 'status');
    assert.match(told.out, /workers 0 of 1 busy[\s\S]*TASK +RUNNING[\s\S]*pdf2image/);
    assert.equal(JSON.parse((await penstock(server, 'status', '--json')).out).workers.workers, 1);
    const live = onTerminal(server, 'status');
    let screens = '';
    let isLeft = false;
    for await (const chunk of live.stdout ?? []) {
      screens += chunk;
      if (!isLeft && (screens.match(/TASK/g)?.length ?? 0) >= 2) isLeft = live.stdin?.write('\x03') ?? false;
    }
    if (live.exitCode === null) await once(live, 'exit');
    assert.equal(live.exitCode, 0);
  });

  test('serve takes the settings of the server, and complete knows commands and options', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-cli-'));
    try {
      const settings = ['--port', '0', '--data-dir', folder, '--log-level', 'silent'];
      const server = start({ url: '' }, ['serve', ...settings]);
      const outcome = finish(server);
      const [greeting] = await once(server.stdout ?? server, 'data');
      assert.match(String(greeting), /listens on http:/);
      server.kill('SIGTERM');
      assert.equal((await outcome).code, 0);
      const wrong = await penstock({ url: '' }, 'serve', '--port', 'many');
      assert.deepEqual([wrong.code, wrong.err.split('\n').length], [2, 2]);
      assert.match((await penstock({ url: '' }, 'serve', '--help')).out, /--max-uploads/);
      const completed = await penstock({ url: '' }, 'complete', '--', 'run', '--d');
      assert.match(completed.out, /^--deadline\t.*\n--detach\t/);
      assert.match((await penstock({ url: '' }, 'complete', 'bash')).out, /complete -F/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
