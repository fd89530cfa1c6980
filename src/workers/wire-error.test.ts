import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AppError } from '../core/errors.ts';
import { fromWireError, toWireError } from './wire-error.ts';

suite('errors across the border', () => {
  test('an AppError keeps code, words, extra members and the time to retry', () => {
    const error = new AppError('too_many_pages', 'at most 10', { extra: { pages: 11 }, retryAfterS: 3 });
    const back = fromWireError(structuredClone(toWireError(error, 'draw')));
    assert.ok(back instanceof AppError);
    const { code, message, extra, retryAfterS } = back;
    assert.deepEqual(
      { code, message, extra, retryAfterS },
      { code: 'too_many_pages', message: 'at most 10', extra: { pages: 11 }, retryAfterS: 3 },
    );
  });

  test("an AppError of another copy of the class keeps its code, another error's code is its own affair", () => {
    const foreign = Object.assign(new Error('no pages'), { name: 'AppError', code: 'invalid_pdf' });
    assert.equal(fromWireError(toWireError(foreign, 'draw')).code, 'invalid_pdf');
    const system = Object.assign(new Error('no such file'), { code: 'ENOENT' });
    assert.equal(fromWireError(toWireError(system, 'draw')).code, 'internal');
  });

  test('a disk that is full, or read-only, is told as that, without the words of the system', () => {
    for (const code of ['ENOSPC', 'EDQUOT', 'EROFS']) {
      const system = Object.assign(new Error(`${code}: no, write`), { code });
      const back = fromWireError(structuredClone(toWireError(system, 'draw')));
      assert.deepEqual(
        [back.code, back.message.includes(code), (back.retryAfterS ?? 0) > 0],
        ['storage_full', false, true],
      );
    }
  });

  test("anything else names the task, the message and the first frame of the user's own code", () => {
    const error = new Error('boom');
    const nodes = '    at Object.readFileSync (node:internal/fs/read:441:20)';
    const packages = '    at inflate (/srv/app/node_modules/pako/index.js:10:5)';
    const own = `    at settle (${new URL('thread.ts', import.meta.url).href}:55:47)`;
    error.stack = ['Error: boom', nodes, packages, own, '    at async draw (file:///srv/app/thumbnail.ts:12:9)'].join(
      '\n',
    );
    assert.equal(toWireError(error, 'draw').message, 'task draw failed: boom (thumbnail.ts:12)');
  });

  test('what is thrown and is no error is told', () => {
    assert.match(toWireError('boom', 'draw').message, /^task draw failed: it threw boom, which is not an Error$/);
    assert.match(toWireError({ secret: 1 }, 'draw').message, /it threw an object/);
  });

  test('words without end are cut, members that cannot be copied are left behind', () => {
    const wire = toWireError(new Error('x'.repeat(1e6)), 'draw');
    assert.ok(wire.message.length < 5000 && (wire.stack?.length ?? 0) < 20_000);
    const big = new AppError('conflict', 'twice', { extra: { at: 1n } });
    assert.equal(fromWireError(toWireError(big, 'draw')).code, 'conflict');
  });
});
