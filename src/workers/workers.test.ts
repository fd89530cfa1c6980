import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { countDescriptors, cpuMs, startPool, type TestPool, until } from '../../test/fixtures/pool.ts';
import { AppError } from '../core/errors.ts';

const stopped = () => new AppError('deadline_exceeded', 'too late');

for (const isolation of ['process', 'thread'] as const) {
  suite(`workers, isolation ${isolation}`, () => {
    let pool: TestPool;
    before(() => {
      pool = startPool({ isolation, workers: 2 });
    });
    after(() => pool[Symbol.asyncDispose]());

    test("a unit's result comes back", async () => {
      assert.deepEqual(await pool.run('echo', { pages: [1, 2] }), { pages: [1, 2] });
    });

    test('the parts of a task get their part and the job its context', async () => {
      const unit = { ...pool.unit('echo'), kind: 'part' as const, part: 3, attempt: 2 };
      const signal = new AbortController().signal;
      assert.deepEqual(await pool.workers.run(unit, { signal }), { part: 3, attempt: 2, jobId: unit.jobId });
      await assert.rejects(pool.workers.run({ ...unit, kind: 'plan' }, { signal }), { message: /no function 'plan'/ });
    });

    test('what a task throws names the task, the message and the line; the stack is logged', async () => {
      const message = /^task faults failed: boom \(faults\.ts:\d+\)$/;
      await assert.rejects(pool.run('throws'), { name: 'AppError', code: 'internal', message });
      assert.ok(pool.records.some(({ stack }) => /faults\.ts/.test(String(stack))));
    });

    test('an AppError keeps its code', async () => {
      await assert.rejects(pool.run('throwsAppError'), {
        code: 'invalid_pdf',
        message: 'no pages',
        extra: { page: 3 },
      });
    });

    test('an exception that nothing caught fails its unit with the message', async () => {
      await assert.rejects(pool.run('throwsLater'), { code: 'internal', message: /boom later \(faults\.ts:\d+\)$/ });
    });

    test('results that are no JSON, or too much of it, are refused', async () => {
      for (const fault of ['returnsFunction', 'returnsBinary', 'returnsCycle', 'returnsMuch']) {
        await assert.rejects(pool.run(fault), { code: 'internal', message: /^task faults failed: its result / });
      }
    });

    test('a task that is not there, or is another one, is told', async () => {
      const signal = new AbortController().signal;
      const missing = { ...pool.unit('echo'), moduleUrl: 'file:///nowhere.ts' };
      await assert.rejects(pool.workers.run(missing, { signal }), { message: /Cannot find module/ });
      const other = { ...pool.unit('echo'), task: 'other' };
      await assert.rejects(pool.workers.run(other, { signal }), { message: /does not export it as its default/ });
    });

    test('an input that cannot be copied fails its unit only', async () => {
      await assert.rejects(
        pool.run('echo', () => 1),
        { code: 'internal', message: /could not be cloned/ },
      );
      assert.equal(await pool.run('echo', 1), 1);
    });

    test('process.exit in a task costs its own job only', async () => {
      const other = pool.run('echo', 'mine');
      await assert.rejects(pool.run('exits'), { code: 'internal', message: /process\.exit\(3\) \(faults\.ts:\d+\)/ });
      assert.equal(await other, 'mine');
      assert.equal(await pool.run('echo', 'next'), 'next');
    });

    test('progress is coalesced, and the last of it arrives before the result', async () => {
      const seen: [number, string | undefined][] = [];
      const signal = new AbortController().signal;
      await pool.workers.run(pool.unit('reportsOften'), { signal, onProgress: (...report) => seen.push(report) });
      assert.ok(seen.length <= 4, `${seen.length} reports`);
      assert.deepEqual(seen.at(-1), [1, 'back']);
    });

    test("what a task logs reaches the server's log with its job", async () => {
      const unit = pool.unit('logs');
      await pool.workers.run(unit, { signal: new AbortController().signal });
      const record = pool.records.find(({ job_id }) => job_id === unit.jobId);
      assert.partialDeepStrictEqual(record, { level: 30, task: 'faults', page: 3, msg: 'half way' });
    });

    test('a task that prints a gigabyte is heard for a few kilobytes', async () => {
      const before = pool.records.length;
      assert.equal(await pool.run('prints'), 'printed');
      assert.ok(pool.records.length - before < 100, `${pool.records.length - before} records`);
      assert.match(String(pool.records.at(-1)?.msg), /characters were dropped/);
    });

    test('units of one job spread over the idle workers', async () => {
      const stop = new AbortController();
      const units = [1, 2].map(() => ({ ...pool.unit('waitsPolitely'), jobId: 'spread' }));
      const runs = units.map((unit) => assert.rejects(pool.workers.run(unit, { signal: stop.signal })));
      await until(() => pool.workers.stats().busy === 2, 10_000);
      stop.abort(stopped());
      await Promise.all(runs);
    });

    test('a short job does not wait for all of a long one that was there first', async () => {
      const signal = new AbortController().signal;
      const pages = Array.from({ length: 60 }, () => ({ ...pool.unit('waitsMs', 50), jobId: 'long' }));
      const long = Promise.all(pages.map((unit) => pool.workers.run(unit, { signal })));
      await pool.run('echo');
      assert.ok(pool.workers.stats().queued > 5, 'the long one still waits');
      await long;
    });

    test('a signal that has aborted already runs nothing', async () => {
      await assert.rejects(pool.run('echo', 1, AbortSignal.abort(stopped())), { code: 'deadline_exceeded' });
    });

    test('a unit aborted while it waits never starts', async () => {
      const hold = new AbortController();
      const holding = [1, 2].map(() => assert.rejects(pool.run('waitsPolitely', 1, hold.signal)));
      const late = new AbortController();
      const run = pool.workers.run(pool.unit('echo'), {
        signal: late.signal,
        onStart: () => assert.fail('it started'),
      });
      await until(() => pool.workers.stats().busy === 2, 10_000);
      assert.equal(pool.workers.stats().queued, 1);
      late.abort(stopped());
      await assert.rejects(run, { code: 'deadline_exceeded' });
      assert.equal(pool.workers.stats().queued, 0);
      hold.abort(stopped());
      await Promise.all(holding);
    });

    test('a unit is free before its result is told, and after its abort once it is off the CPU', async () => {
      const told: string[] = [];
      const run = (fault: string, signal: AbortSignal) => {
        const note = (what: string) => () => void told.push(`${fault} ${what}`);
        return pool.workers.run(pool.unit(fault), { signal, onFree: note('free') }).finally(note('told'));
      };
      await run('echo', new AbortController().signal);
      const stop = new AbortController();
      const spinning = assert.rejects(run('spins', stop.signal), { code: 'deadline_exceeded' });
      await until(() => pool.workers.stats().busy > 0, 10_000);
      stop.abort(stopped());
      await spinning;
      assert.deepEqual(told, ['echo free', 'echo told', 'spins told']);
      await until(() => pool.workers.stats().busy === 0, 10_000);
      assert.equal(told[3], 'spins free');
    });

    test('two hundred aborts at random moments leave the pool whole and no descriptor open', async () => {
      await Promise.all([pool.run('echo'), pool.run('echo')]);
      const descriptors = countDescriptors('self');
      const faults = ['spins', 'echo', 'waitsPolitely', 'stuckRegex', 'reportsOften', 'throws'];
      const abortOne = async (index: number) => {
        const delay = new AbortController();
        const run = pool.run(faults[index % faults.length] ?? '', index, delay.signal);
        const timer = setTimeout(() => delay.abort(stopped()), Math.random() * 200);
        await run.catch((error: unknown) => assert.ok(error instanceof AppError, String(error)));
        clearTimeout(timer);
      };
      let next = 0;
      const caller = async () => {
        while (next < 200) await abortOne(next++);
      };
      await Promise.all(Array.from({ length: 3 }, caller));
      await until(() => pool.workers.stats().idle === 2, 10_000);
      assert.partialDeepStrictEqual(pool.workers.stats(), { busy: 0, queued: 0 });
      assert.deepEqual(await Promise.all([pool.run('echo', 1), pool.run('echo', 2)]), [1, 2]);
      await until(() => countDescriptors('self') <= descriptors + 2, 5000);
      for (const pid of pool.workers.stats().pids) assert.ok(countDescriptors(pid) < 60, `${countDescriptors(pid)}`);
    });
  });

  suite(`stopping, isolation ${isolation}`, () => {
    const pairs: string[][] = [
      ['spins', 'draws'],
      ['stuckRegex', 'nativeLoop'],
      ['pushesObjects', 'waitsPolitely'],
    ];
    // Native code that never comes back ends with its process only.
    if (isolation === 'process') pairs.push(['longNativeCall', 'longNativeWork']);

    for (const faults of pairs) {
      test(`tasks that are busy (${faults}) are off the CPU within a second of their abort`, async () => {
        await using pool = startPool({ isolation, workers: 2 });
        const stop = new AbortController();
        const runs = faults.map((fault) =>
          assert.rejects(pool.run(fault, 1, stop.signal), { code: 'deadline_exceeded' }),
        );
        await until(() => pool.workers.stats().busy === 2, 20_000);
        await sleep(1000);
        const abortedAt = performance.now();
        stop.abort(stopped());
        await Promise.all(runs);
        assert.ok(performance.now() - abortedAt < 100, 'the callers are told at once');
        await until(() => pool.workers.stats().busy === 0, 1000);
        await until(() => pool.workers.stats().idle === 2, 20_000);
        const pids = isolation === 'process' ? pool.workers.stats().pids : [process.pid];
        const used = pids.map(cpuMs);
        await sleep(500);
        for (const [index, pid] of pids.entries()) assert.ok((cpuMs(pid) ?? 0) - (used[index] ?? 0) <= 100);
      });
    }

    test('close refuses new units, and ends those inside at once', async () => {
      await using pool = startPool({ isolation });
      const running = assert.rejects(pool.run('spins'), { code: 'draining' });
      const waiting = assert.rejects(pool.run('echo'), { code: 'draining' });
      await until(() => pool.workers.stats().busy === 1, 10_000);
      await Promise.all([pool.workers.close(), running, waiting]);
      await assert.rejects(pool.run('echo'), { code: 'draining' });
      assert.deepEqual(pool.workers.stats().pids, []);
    });

    test('close with a signal lets the units inside finish until it aborts', async () => {
      await using pool = startPool({ isolation });
      const drain = new AbortController();
      const short = pool.run('echo', 1);
      const closing = pool.workers.close(drain.signal);
      assert.equal(await short, 1);
      await closing;

      await using stuck = startPool({ isolation });
      const running = assert.rejects(stuck.run('spins'), { code: 'draining' });
      const closed = stuck.workers.close(drain.signal);
      await until(() => stuck.workers.stats().busy === 1, 10_000);
      drain.abort();
      await Promise.all([running, closed]);
    });

    test('a worker is replaced after its share of work, and no unit is lost', async () => {
      await using pool = startPool({ isolation, workers: 1, recycleAfterMs: 40 });
      const results = await Promise.all(Array.from({ length: 50 }, () => pool.run('waitsMs', 5)));
      assert.equal(results.length, 50);
      if (isolation === 'process') {
        const first = await pool.run('pid');
        for (let index = 0; index < 10; index++) await pool.run('waitsMs', 5);
        await until(() => !pool.workers.stats().pids.includes(Number(first)), 10_000);
      }
      assert.equal(pool.workers.stats().restarts, 0);
    });
  });
}
