import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ReadGate } from './read-gate.ts';

function open(): { gate: ReadGate; calls: string[] } {
  const calls: string[] = [];
  return { gate: new ReadGate({ stop: () => calls.push('stop'), start: () => calls.push('start') }), calls };
}

const turns = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Looks come every few seconds; the first in a pause only marks it as a long one. */
function lookTwice(gate: ReadGate): void {
  gate.look();
  gate.look();
}

suite('ReadGate', () => {
  test('never starts what was not stopped, nor stops it twice', () => {
    const { gate, calls } = open();
    gate.resume();
    gate.pause();
    gate.pause();
    gate.resume();
    gate.resume();
    assert.deepEqual(calls, ['stop', 'start']);
  });

  test('a look reads for a moment, and only in a long pause', async () => {
    const { gate, calls } = open();
    gate.look();
    gate.pause();
    gate.look();
    assert.deepEqual(calls, ['stop']);
    gate.look();
    assert.deepEqual(calls, ['stop', 'start']);
    await turns();
    assert.deepEqual(calls, ['stop', 'start', 'stop']);
  });

  test('what looks bring in is bounded for each pause', async () => {
    const { gate, calls } = open();
    gate.pause();
    lookTwice(gate);
    gate.count(300_000);
    await turns();
    gate.look();
    assert.deepEqual(calls, ['stop', 'start', 'stop']);
    gate.resume();
    gate.pause();
    lookTwice(gate);
    assert.deepEqual(calls, ['stop', 'start', 'stop', 'start', 'stop', 'start']);
    await turns();
  });

  test('a look ends with the first bytes, which say that the peer is there', async () => {
    const { gate, calls } = open();
    gate.pause();
    lookTwice(gate);
    gate.count(1);
    assert.deepEqual(calls, ['stop', 'start', 'stop']);
    await turns();
    assert.deepEqual(calls, ['stop', 'start', 'stop']);
  });

  test('a resume during a look goes on reading', async () => {
    const { gate, calls } = open();
    gate.pause();
    lookTwice(gate);
    gate.resume();
    await turns();
    assert.deepEqual(calls, ['stop', 'start']);
  });

  test('a socket that is gone is not touched any more', async () => {
    const { gate, calls } = open();
    gate.pause();
    lookTwice(gate);
    gate.release();
    gate.pause();
    gate.resume();
    await turns();
    assert.deepEqual(calls, ['stop', 'start']);
  });

  test('once open for good it ignores pauses', () => {
    const { gate, calls } = open();
    gate.pause();
    gate.open();
    gate.pause();
    assert.deepEqual(calls, ['stop', 'start']);
  });
});
