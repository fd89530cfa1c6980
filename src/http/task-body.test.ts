import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TaskEntry } from '../tasks/tasks.ts';
import { readInput, type TaskBody } from './task-body.ts';

/** Hands on the members that it is given. */
const input = { has: () => false, parse: (members: unknown) => members, fromText: (members: unknown) => members };
const ENTRY = { input } as unknown as TaskEntry;

function bodyOf(members: TaskBody['members'], from: TaskBody['from']): TaskBody {
  return { files: [], members, from, undo: async () => undefined };
}

suite('the input of a call', () => {
  for (const from of ['json', 'text'] as const) {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      test(`a member of a ${from} body may be called ${name}, and is checked like any other`, () => {
        const members = Object.fromEntries([[name, 'x']]);
        const read = readInput(ENTRY, { members: {}, sources: {} }, bodyOf(members, from));
        assert.deepEqual(Object.entries(read as object), [[name, 'x']]);
      });

      test(`${name} in the query and in a ${from} body is given twice`, () => {
        const members = Object.fromEntries([[name, 'x']]);
        assert.throws(() => readInput(ENTRY, { members, sources: {} }, bodyOf(members, from)), {
          code: 'invalid_input',
        });
      });
    }
  }
});
