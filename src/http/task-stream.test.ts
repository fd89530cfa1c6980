import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TaskEntry } from '../tasks/tasks.ts';
import type { Exchange } from './exchange.ts';
import { readWish } from './prefer.ts';
import { wantedStream } from './task-stream.ts';

const ENTRY = { canStream: true, answer: 'stream', deadlineS: 60, maxDeadlineS: 600 } as TaskEntry;

function ask(sent: Readonly<Record<string, string>>) {
  const exchange = {
    query: new URLSearchParams(),
    headers: (name: string) => Object.keys(sent).flatMap((known) => (known === name ? [sent[known]] : [])),
    setHeader: () => undefined,
  } as unknown as Exchange;
  return wantedStream(exchange, ENTRY, readWish(exchange, ENTRY));
}

suite('the format of a generator’s items', () => {
  for (const [sent, format] of [
    [{}, 'ndjson'],
    [{ accept: 'text/event-stream' }, 'sse'],
    [{ prefer: 'respond-async' }, undefined],
    [{ prefer: 'wait=5', accept: 'application/x-ndjson' }, undefined],
    [{ prefer: 'handling=lenient, wait=5' }, undefined],
    [{ prefer: 'handling=lenient' }, 'ndjson'],
    [{ prefer: 'return=minimal', accept: 'text/event-stream' }, 'sse'],
    [{ prefer: 'wait=soon' }, 'ndjson'],
  ] as const) {
    test(`${JSON.stringify(sent)} is answered as ${format}`, () => assert.equal(ask(sent), format));
  }
});
