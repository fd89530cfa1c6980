import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMs, isAlive, startPool, type TestPool, until } from '../../test/fixtures/pool.ts';

/** Runs a unit that says which host it is on; `onHost` is called at each attempt. */
function runNoting(pool: TestPool, endAtAttempt: number | undefined, onHost: (pid: number) => void): Promise<unknown> {
  const onProgress = (_fraction: number, message = '') => onHost(Number(message.slice('pid '.length)));
  return pool.workers.run(pool.unit('notesThenSpins', endAtAttempt), {
    signal: new AbortController().signal,
    onProgress,
  });
}

const kill9 = (pid: number) => process.kill(pid, 'SIGKILL');

suite('host processes', () => {
  test('a unit whose host is killed runs once more on another and is answered', async () => {
    await using pool = startPool({ isolation: 'process' });
    const hosts = new Set<number>();
    const killFirst = (pid: number) => {
      hosts.add(pid);
      if (hosts.size === 1) kill9(pid);
    };
    assert.deepEqual(await runNoting(pool, 2, killFirst), { attempt: 2 });
    assert.equal(hosts.size, 2);
    assert.equal(readFileSync(join(pool.outDir, 'attempts'), 'utf8'), '1\n2\n');
    assert.equal(pool.workers.stats().restarts, 1);
  });

  test('a unit whose host is killed twice fails as worker_crashed, and the next one runs', async () => {
    await using pool = startPool({ isolation: 'process' });
    await assert.rejects(runNoting(pool, undefined, kill9), { code: 'worker_crashed', message: /killed by SIGKILL/ });
    assert.equal(await pool.run('echo', 1), 1);
  });

  test('an idle host that is killed is replaced', async () => {
    await using pool = startPool({ isolation: 'process' });
    const first = Number(await pool.run('pid'));
    kill9(first);
    const next = Number(await pool.run('pid'));
    assert.notEqual(next, first);
    assert.equal(isAlive(first), false);
  });

  test('a segmentation fault costs its own job only', async () => {
    await using pool = startPool({ isolation: 'process', workers: 2 });
    const crashed = assert.rejects(pool.run('segfaults'), { code: 'worker_crashed', message: /SIGSEGV/ });
    const others = await Promise.all(Array.from({ length: 20 }, (_, index) => pool.run('echo', index)));
    assert.deepEqual(others, [...others.keys()]);
    await crashed;
  });

  test('a host that does not answer is killed and replaced when its unit is aborted', async () => {
    await using pool = startPool({ isolation: 'process' });
    const stop = new AbortController();
    const host = Number(await pool.run('pid'));
    const run = assert.rejects(pool.run('waitsPolitely', 1, stop.signal), { message: 'too late' });
    await until(() => pool.workers.stats().busy === 1, 5000);
    process.kill(host, 'SIGSTOP');
    stop.abort(new Error('too late'));
    await run;
    await until(() => !isAlive(host), 1000);
    assert.equal(await pool.run('echo', 1), 1);
  });

  test('the signals of a terminal or a service manager do not end a host: the pool does', async () => {
    await using pool = startPool({ isolation: 'process' });
    const host = Number(await pool.run('pid'));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(host, signal);
    assert.equal(await pool.run('pid'), host);
  });

  test('hosts of a server that was killed end by themselves, even if their task spins', async () => {
    const script = fileURLToPath(new URL('../../test/fixtures/pool-parent.ts', import.meta.url));
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(parent.stdout, 'data');
    const host = Number(/pid (\d+)/.exec(String(line))?.[1]);
    assert.ok(isAlive(host));
    kill9(parent.pid ?? 0);
    await until(() => !isAlive(host), 2000);
  });

  test('an idle host uses no CPU', async () => {
    await using pool = startPool({ isolation: 'process' });
    const host = Number(await pool.run('pid'));
    // What it started with goes on for a while after its first unit on a slow machine.
    for (let used = Number.POSITIVE_INFINITY, rounds = 0; used > 10; rounds++) {
      assert.ok(rounds < 10, `it used ${used} ms in the last second`);
      const before = cpuMs(host) ?? 0;
      await delay(1000);
      used = (cpuMs(host) ?? Number.POSITIVE_INFINITY) - before;
    }
  });
});

suite('hosts that cannot start', () => {
  test('units are refused as engine_unavailable, those that wait already too, and the log says why', async () => {
    const tooLittleToStart = -(2 ** 29);
    await using pool = startPool({ isolation: 'process', memoryBytes: tooLittleToStart });
    await assert.rejects(pool.run('echo'), { code: 'engine_unavailable', retryAfterS: 10 });
    await assert.rejects(pool.run('echo'), { code: 'engine_unavailable' });
    assert.ok(pool.records.some(({ msg, reason }) => msg === 'a worker died' && /SIG|exit code/.test(String(reason))));
  });
});

suite('memory of a host', () => {
  for (const [what, fault] of [
    ['buffers', 'allocates'],
    ['numbers', 'pushesNumbers'],
    ['canvases', 'holdsCanvases'],
  ] as const) {
    test(`${what} without end fail their own job, and never more than the limit is used`, async () => {
      const memoryBytes = 2 ** 28;
      await using pool = startPool({ isolation: 'process', memoryBytes });
      await pool.run('echo');
      let peakKib = 0;
      const watch = setInterval(() => {
        for (const pid of pool.workers.stats().pids) peakKib = Math.max(peakKib, residentKib(pid));
      }, 20);
      await assert.rejects(pool.run(fault), ({ code }) => code === 'internal' || code === 'worker_crashed');
      clearInterval(watch);
      assert.ok(peakKib * 1024 < memoryBytes + 2 ** 28, `${peakKib} KiB`);
      assert.equal(await pool.run('echo', 1), 1);
    });
  }
});

suite('output of hosts', () => {
  test('a quarter of a gigabyte on the pipe itself costs a few log lines and delays nobody', async () => {
    await using pool = startPool({ isolation: 'process' });
    await pool.run('echo');
    const heapBefore = process.memoryUsage.rss();
    await pool.run('printsNatively');
    assert.ok(process.memoryUsage.rss() - heapBefore < 100 * 2 ** 20);
    await pool.workers.close();
    await until(() => pool.records.some(({ msg }) => /more bytes of output were dropped/.test(String(msg))), 10_000);
    assert.ok(pool.records.length < 50, `${pool.records.length} records`);
  });

  test("a crashing host's last words reach the log", async () => {
    await using pool = startPool({ isolation: 'process' });
    await assert.rejects(pool.run('crashesLoudly'), { code: 'worker_crashed', message: /SIGABRT/ });
    assert.ok(pool.records.some(({ msg, pid }) => msg === 'FATAL ERROR: native' && typeof pid === 'number'));
  });
});

function residentKib(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
