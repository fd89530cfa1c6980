import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { temporaryFolder } from '../fixtures/temporary.ts';
import { residentBytes, startServer } from './server.ts';

const run = promisify(execFile);
const SIZE = 100_000;
/** 10 s at 2 KB/s. */
const SLOW_BYTES = 20_480;

for (const transport of ['uws', 'node'] as const) {
  suite(`slow senders over ${transport}`, () => {
    test('curl --limit-rate 2K is served to the end', async () => {
      await using server = await startServer({ args: ['--transport', transport] });
      const path = join(temporaryFolder('slow'), 'body');
      writeFileSync(path, Buffer.alloc(SIZE, 'x'));
      const { stdout } = await run('curl', [
        '-sS',
        '--limit-rate',
        '2K',
        '-w',
        '%{http_code}',
        '-o',
        '/dev/null',
        '--data-binary',
        `@${path}`,
        `${server.url}/file`,
      ]);
      assert.equal(stdout, '201');
    });

    test('one byte per 5 s is ended with 408 soon after the grace, and others do not notice', async () => {
      await using server = await startServer({ args: ['--transport', transport, '--upload-grace', '10'] });
      const socket = connect(server.port, '127.0.0.1');
      socket.write('POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
      const drip = setInterval(() => socket.write('x'), 5000);
      const started = performance.now();
      const answered = once(socket, 'data');
      assert.equal((await fetch(`${server.url}/file`, { method: 'POST', body: 'quick' })).status, 201);
      const [chunk] = await answered;
      const seconds = (performance.now() - started) / 1000;
      clearInterval(drip);
      socket.destroy();
      assert.match(String(chunk), /^HTTP\/1\.1 408 [\s\S]*"code":"upload_(too_slow|stalled)"/);
      assert.ok(seconds >= 10 && seconds < 45, `after ${seconds.toFixed(1)} s`);
    });

    test('2,000 uploads at 2 KB/s are all held and all succeed, and memory stays below idle + 120 MB', async (context) => {
      await using server = await startServer({
        args: ['--transport', transport, '--max-uploads', '2100', '--min-upload-rate', '0'],
      });
      const pid = server.child.pid ?? 0;
      for (let warm = 0; warm < 20; warm++) await fetch(`${server.url}/file`, { method: 'POST', body: 'warm' });
      const idle = residentBytes(pid);
      let peak = idle;
      const send = async (client: number) => {
        await delay(client);
        const socket = connect(server.port, '127.0.0.1');
        socket.write(`POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: ${SLOW_BYTES}\r\n\r\n`);
        const answered = once(socket, 'data');
        for (let sent = 0; sent < SLOW_BYTES; sent += 512) {
          socket.write(Buffer.alloc(512, 'y'));
          await delay(250);
        }
        peak = Math.max(peak, residentBytes(pid));
        const [chunk] = await answered;
        socket.destroy();
        return String(chunk).slice(9, 12);
      };
      const statuses = await Promise.all(Array.from({ length: 2000 }, (_, client) => send(client)));
      assert.deepEqual(new Set(statuses), new Set(['201']));
      peak = Math.max(peak, residentBytes(pid));
      const growth = `grew by ${Math.round((peak - idle) / 1e6)} MB`;
      context.diagnostic(growth);
      assert.ok(peak - idle < 120e6, growth);
    });
  });
}
