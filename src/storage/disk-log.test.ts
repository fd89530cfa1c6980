import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createDirSync } from './dir-sync.ts';
import { createLayout } from './disk-layout.ts';
import { DiskLog } from './disk-log.ts';

const REWRITE_BYTES = 2000;

function createFolder() {
  const root = mkdtempSync(join(tmpdir(), 'penstock-log-'));
  const layout = { ...createLayout(root), newTempPath: () => join(root, `temp-${performance.now()}`) };
  const outcomes: unknown[] = [];
  return {
    log: layout.log,
    outcomes,
    open: (syncDir = createDirSync()) =>
      DiskLog.open({
        layout,
        syncDir,
        onOutcome: (error) => void outcomes.push(error),
        rewriteBytes: REWRITE_BYTES,
      }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

const contentOf = (log: DiskLog) => new Map([...log.keys()].sort().map((key) => [key, log.find(key)]));

suite('the log of notes', () => {
  test('whatever is put and deleted, by whom at once, is there after each restart', async () => {
    using folder = createFolder();
    const step = fc.record({
      key: fc.constantFrom('pending/a', 'pending/b', 'attempts/c', 'attempts/d'),
      act: fc.constantFrom('put', 'delete', 'restart', 'wait'),
      isDurable: fc.boolean(),
      text: fc.string({ unit: 'binary', maxLength: 300 }),
    });
    const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      rmSync(folder.log, { force: true });
      let log = await folder.open();
      const model = new Map<string, unknown>();
      let running: Promise<void>[] = [];
      for (const { key, act, isDurable, text } of steps) {
        if (act === 'put' && !model.has(key)) {
          // The same key is put again only when its last life is over.
          await Promise.all(running.splice(0));
          running.push(log.put(key, { text }, isDurable));
          model.set(key, { text });
        } else if (act === 'delete') {
          await Promise.all(running.splice(0));
          running.push(log.delete(key));
          model.delete(key);
        } else await Promise.all(running);
        if (act !== 'restart') continue;
        running = [];
        await log.close();
        log = await folder.open();
      }
      await Promise.all(running);
      assert.deepEqual(contentOf(log), new Map([...model].sort()));
      await log.close();
      assert.deepEqual(contentOf(await folder.open()), new Map([...model].sort()));
    });
    await fc.assert(property, { numRuns: 60 });
  });

  test('lines that it cannot have written are no entries', async () => {
    using folder = createFolder();
    const odd = ['["pending/../../x",{}]', '["pending/a",null]', '["pending/b",7]', '[7,{}]', '{}', 'null', 'x'];
    writeFileSync(folder.log, [...odd, '["pending/c",{"n":1}]', ''].join('\n'));
    assert.deepEqual([...contentOf(await folder.open())], [['pending/c', { n: 1 }]]);
  });

  test('cut off at any byte it has what came before, and goes on', async () => {
    using folder = createFolder();
    const first = await folder.open();
    for (let index = 0; index < 6; index++) await first.put(`pending/${index}`, { index, text: 'ü\n"' }, true);
    await first.delete('pending/2');
    await first.close();
    const whole = readFileSync(folder.log);
    const ends = [...whole.keys()].filter((at) => whole[at] === 0x0a);
    assert.equal(ends.length, 7);
    for (let length = 0; length <= (ends.at(-1) ?? 0) + 1; length++) {
      writeFileSync(folder.log, whole);
      truncateSync(folder.log, length);
      const lines = ends.filter((end) => end <= length).length; // a line is whole without its end, too
      const expected = [...Array(Math.min(lines, 6)).keys()].filter((index) => lines < 7 || index !== 2);
      const log = await folder.open();
      assert.deepEqual(
        [...log.keys()],
        expected.map((index) => `pending/${index}`),
      );
      await log.put('pending/new', {}, false);
      await log.close();
      assert.equal((await folder.open()).find('pending/new') !== undefined, true);
    }
  });

  test('a taken key is a conflict, also while it is being put', async () => {
    using folder = createFolder();
    const log = await folder.open();
    const outcomes = await Promise.allSettled([
      log.put('pending/a', { n: 1 }, true),
      log.put('pending/a', { n: 2 }, true),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    await assert.rejects(log.put('pending/a', {}, false), { code: 'conflict' });
    assert.deepEqual(log.find('pending/a'), { n: 1 });
    await log.close();
  });

  test('what is dead does not pile up', async () => {
    using folder = createFolder();
    const log = await folder.open();
    await log.put('pending/lasting', { text: 'kept' }, true);
    for (let index = 0; index < 500; index++) {
      await log.put(`pending/${index}`, { text: 'x'.repeat(100) }, false);
      await log.delete(`pending/${index}`);
    }
    await log.close();
    assert.ok(readFileSync(folder.log, 'utf8').split('\0')[0]?.length ?? 0 < 2 * REWRITE_BYTES);
    assert.ok(statSync(folder.log).size < 300_000);
    assert.deepEqual([...(await folder.open()).keys()], ['pending/lasting']);
  });

  test('a disk that fails refuses what is put and nothing else; the next write begins a new file without it', async () => {
    using folder = createFolder();
    const sync = createDirSync();
    let isBroken = false;
    const log = await folder.open(async (path) => {
      if (isBroken) throw Object.assign(new Error('input/output error'), { code: 'EIO' });
      await sync(path);
    });
    await log.put('pending/a', {}, true);
    await log.put('pending/b', {}, true);
    await log.close(); // its next write begins a new file
    isBroken = true;
    await assert.rejects(log.put('pending/c', {}, true), { code: 'internal' });
    await log.delete('pending/a');
    assert.equal((folder.outcomes.at(-1) as { code: string }).code, 'EIO');
    isBroken = false;
    await log.put('pending/d', {}, true);
    assert.equal(folder.outcomes.at(-1), undefined);
    await log.close();
    assert.deepEqual([...(await folder.open()).keys()], ['pending/b', 'pending/d']);
  });
});
