import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { createInputParser } from '../tasks/input.ts';
import type { TaskEntry } from '../tasks/tasks.ts';
import { readInput, type TaskBody } from './task-body.ts';

/** Hands on the members that it is given. */
const input = { has: () => false, parse: (members: unknown) => members, fromText: (members: unknown) => members };
const ENTRY = { input } as unknown as TaskEntry;

const NO_QUERY = { members: {}, sources: {} };

function entryOf(schema: z.ZodType, isInline = false): TaskEntry {
  return { input: createInputParser(schema), isInline, task: { name: 'fry' } } as unknown as TaskEntry;
}

function bodyOf(members: TaskBody['members'], from: TaskBody['from']): TaskBody {
  return { files: [], members, from, undo: async () => undefined };
}

suite('the input of a call', () => {
  for (const from of ['json', 'text'] as const) {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      test(`a member of a ${from} body may be called ${name}, and is checked like any other`, () => {
        const members = Object.fromEntries([[name, 'x']]);
        const read = readInput(ENTRY, NO_QUERY, bodyOf(members, from));
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

  for (const from of ['json', 'text'] as const) {
    for (const [name, place] of [
      ['deadline', /\?deadline=/],
      ['on_timeout', /\?on_timeout=/],
      ['priority', /\?priority=/],
      ['wait', /Prefer: wait=/],
    ] as const) {
      const read = (entry: TaskEntry) => readInput(entry, NO_QUERY, bodyOf({ [name]: '1' }, from));

      test(`${name} in a ${from} body is refused, and told where it counts`, () => {
        assert.throws(
          () => read(entryOf(z.object({ amount: z.int().optional() }))),
          (error) => {
            assert.ok(error instanceof AppError);
            assert.equal(error.code, 'invalid_input');
            assert.match(error.message, place);
            return true;
          },
        );
      });

      test(`${name} in a ${from} body is input where the task's schema names it, takes any, or does not tell`, () => {
        for (const schema of [
          z.object({ [name]: z.string() }),
          z.looseObject({}),
          z.record(z.string(), z.string()),
          z.union([z.object({ [name]: z.string() }), z.object({ other: z.string() })]),
        ])
          assert.deepEqual(read(entryOf(schema)), { [name]: '1' });
      });

      test(`${name} in a ${from} body of an inline endpoint is a member like any other`, () => {
        assert.deepEqual(read(entryOf(z.object({}), true)), {});
      });
    }
  }
});
