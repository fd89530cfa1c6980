import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createTrace } from './trace.ts';

function record() {
  let text = '';
  const start = createTrace((part) => {
    text += part;
  });
  return { start, text: () => text };
}

suite('trace', () => {
  test('puts the reader left and the writer right, and starts a line only when the turn changes', () => {
    const { start, text } = record();
    const upload = start();
    upload.reader('next');
    upload.reader('put');
    upload.reader('next');
    upload.writer('get');
    upload.writer('write');
    upload.reader('put');
    upload.writer('done');
    upload.end('Done');
    const expected = [
      '1: Starting -> next() -> put() -> next()',
      `${'1:'.padEnd(48)} -> get() -> write()`,
      '1: -> put()',
      `${'1:'.padEnd(48)} -> done()`,
      '1: Done',
      '',
    ];
    assert.deepEqual(text().split('\n'), expected);
  });

  test('uploads at the same time have numbers and lines of their own', () => {
    const { start, text } = record();
    const [first, second] = [start(), start()];
    first.reader('next');
    second.reader('next');
    second.end('client_gone');
    first.reader('put');
    const expected = ['1: Starting', '2: Starting', '1: -> next()', '2: -> next()', '2: client_gone', '1: -> put()'];
    assert.deepEqual(text().split('\n'), expected);
  });
});
