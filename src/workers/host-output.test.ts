import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLineSplitter } from './host-output.ts';

function collect(now: () => number = () => 0) {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => void lines.push(line), now);
  return { lines, push: (text: string) => splitter.push(Buffer.from(text)), end: splitter.end };
}

suite('output of a host', () => {
  test('lines are put together across chunks, empty ones left out, the last needs no line end', () => {
    const { lines, push, end } = collect();
    for (const chunk of ['FATAL', ' ERROR: heap\n\n 1: 0x93', '1db0\nend']) push(chunk);
    assert.deepEqual(lines, ['FATAL ERROR: heap', ' 1: 0x931db0']);
    end();
    assert.equal(lines.at(-1), 'end');
  });

  test('a flood is dropped and counted, and the next window tells so', () => {
    let clock = 0;
    const { lines, push } = collect(() => clock);
    for (let index = 0; index < 1000; index++) push(`${'x'.repeat(1023)}\n`);
    assert.equal(lines.length, 64);
    clock = 10_000;
    push('calm\n');
    assert.deepEqual(lines.slice(64), [`${(1000 - 64) * 1024} more bytes of output were dropped`, 'calm']);
  });

  test('a line without end is cut', () => {
    const { lines, push, end } = collect();
    push('x'.repeat(60_000));
    end();
    assert.equal(lines[0]?.length, 4096);
  });
});
