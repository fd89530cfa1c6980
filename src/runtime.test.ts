import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tunedStart } from './runtime.ts';

test('a plain start gets its flags and variables, before what its caller has set', () => {
  const start = tunedStart({
    execArgv: ['--max-semi-space-size=32'],
    argv: ['main.ts', '--port', '0'],
    env: { A: 'b' },
  });
  assert.equal(start?.execArgv.at(-1), '--max-semi-space-size=32');
  assert.ok(start.execArgv.length > 1);
  assert.deepEqual(start.argv, ['main.ts', '--port', '0']);
  assert.deepEqual(start.env, { A: 'b', UV_THREADPOOL_SIZE: '16' });
});

test('a thread pool that the caller has sized stays so', () => {
  const start = tunedStart({ execArgv: [], argv: [], env: { UV_THREADPOOL_SIZE: '1' } });
  assert.equal(start?.env.UV_THREADPOOL_SIZE, '1');
});

test('a process that was started right is left alone', () => {
  const first = tunedStart({ execArgv: [], argv: ['main.ts'], env: {} });
  assert.ok(first);
  assert.equal(tunedStart(first), undefined);
});
