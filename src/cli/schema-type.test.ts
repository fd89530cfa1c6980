import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { typeOfSchema } from './schema-type.ts';

const plain = (schema: z.ZodType) => typeOfSchema(z.toJSONSchema(schema, { io: 'input' })).replaceAll(/\s+/g, ' ');

interface Tree {
  readonly name: string;
  readonly children: Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }));

suite('types out of JSON Schemas', () => {
  const cases: [string, z.ZodType, string][] = [
    [
      'plain values',
      z.object({ a: z.string(), b: z.int(), c: z.boolean() }),
      '{ readonly a: string; readonly b: number; readonly c: boolean; }',
    ],
    ['what may be left out', z.object({ a: z.string().optional() }), '{ readonly a?: string; }'],
    ['defaults, with a comment', z.object({ a: z.int().default(3) }), '{ /** default 3 */ readonly a?: number; }'],
    ['choices', z.enum(['a', "it's"]), "'a' | 'it\\'s'"],
    ['nullable', z.string().nullable(), 'string | null'],
    ['lists of choices', z.array(z.union([z.string(), z.number()])), 'readonly (string | number)[]'],
    ['tuples', z.tuple([z.string(), z.number()]), 'readonly [string, number]'],
    ['records', z.record(z.string(), z.number()), 'Readonly<Record<string, number>>'],
    ['names that need quotes', z.object({ 'a-b': z.string() }), "{ readonly 'a-b': string; }"],
    ['anything', z.unknown(), 'unknown'],
  ];
  for (const [title, schema, type] of cases) test(title, () => assert.equal(plain(schema), type));

  test('a description cannot end the comment that it stands in', () => {
    assert.match(plain(z.object({ a: z.string().describe('*/ evil') })), /\/\*\* \* \/ evil \*\//);
  });

  test('a cycle is followed once', () => assert.match(plain(tree), /readonly children: readonly unknown\[\]/));

  test('no schema at all is unknown', () => assert.equal(typeOfSchema(null), 'unknown'));
});
