import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FromWorker } from './protocol.ts';
import { createUnitLog } from './unit-log.ts';

function collect(level: 'debug' | 'info' = 'info') {
  const sent: Extract<FromWorker, { type: 'log' }>[] = [];
  const unitLog = createUnitLog({ level, format: 'json' }, { task: 'draw', job_id: 'j1' }, (message) =>
    sent.push(message),
  );
  return { sent, ...unitLog };
}

suite('log of a unit', () => {
  test('a record keeps its level, words and fields, and names the job', () => {
    const { sent, log } = collect();
    log.warn({ page: 3 }, 'no font');
    log.debug('not at this level');
    log.child({ step: 2 }).info('half way');
    assert.deepEqual(sent, [
      { type: 'log', level: 'warn', text: 'no font', fields: { task: 'draw', job_id: 'j1', page: 3 } },
      { type: 'log', level: 'info', text: 'half way', fields: { task: 'draw', job_id: 'j1', step: 2 } },
    ]);
  });

  test('each printed line becomes a record', () => {
    const { sent, print } = collect();
    print('info', 'one\ntwo\n');
    assert.deepEqual(
      sent.map(({ text }) => text),
      ['one', 'two'],
    );
  });

  test('a unit that writes without end is cut off, and the end tells how much is missing', () => {
    const { sent, print, log, end } = collect();
    for (let index = 0; index < 1e5; index++) print('info', 'x\n');
    for (let index = 0; index < 1e5; index++) log.info('x');
    assert.ok(sent.length <= 1024, `${sent.length} records`);
    end();
    assert.match(sent.at(-1)?.text ?? '', /characters were dropped$/);
  });

  test('one long text does not pass the bound by its number of lines', () => {
    const { sent, print } = collect();
    print('info', 'x\n'.repeat(30_000));
    assert.ok(sent.length <= 1024, `${sent.length} records`);
  });
});
