import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { V8_FLAGS } from '../../src/runtime.ts';
import { startServer } from './server.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const SIZE = 300_000;

test('a second server on the same data folder does not start, says why, and hurts nothing of the first', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'penstock-two-'));
  try {
    await using first = await startServer({ dataDir });
    const socket = connect(first.port, '127.0.0.1');
    socket.write(`POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: ${SIZE}\r\n\r\n`);
    socket.write(Buffer.alloc(SIZE / 2, 'a'));
    const args = [MAIN, '--port', '0', '--data-dir', dataDir];
    const second = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(second.status, 1);
    assert.match(second.stderr, /could not start: another Penstock uses the data folder .*--data-dir/);
    socket.write(Buffer.alloc(SIZE / 2, 'b'));
    const [answer] = await once(socket, 'data');
    socket.destroy();
    assert.match(String(answer), /^HTTP\/1\.1 201 /);
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test('the folder of a server that was killed is free at once', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'penstock-two-'));
  try {
    const first = await startServer({ dataDir });
    const { id } = (await (await fetch(`${first.url}/file`, { method: 'POST', body: 'kept' })).json()) as {
      id: string;
    };
    await first.kill('SIGKILL');
    await using second = await startServer({ dataDir });
    assert.equal(await (await fetch(`${second.url}/v1/files/${id}`)).text(), 'kept');
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test('every start has its flags and thread pool', async () => {
  await using server = await startServer();
  const read = (name: string) => readFileSync(`/proc/${server.child.pid}/${name}`, 'latin1').split('\0');
  const cmdline = read('cmdline');
  for (const flag of V8_FLAGS) assert.ok(cmdline.includes(flag), flag);
  assert.ok(read('environ').includes('UV_THREADPOOL_SIZE=16'));
});
