import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { UsageError } from './exit.ts';
import { readInput } from './input.ts';

const schema = z.strictObject({
  name: z.string(),
  amount: z.int(),
  isHot: z.boolean(),
  either: z.union([z.number(), z.string()]),
  tags: z.array(z.string()),
});
const task = {
  ...({ name: 'fry', description: null, answer: 'sync', result_schema: null } as const),
  input_schema: z.toJSONSchema(schema) as Record<string, unknown>,
  files: [{ name: 'potato', media_types: null, optional: false, many: false }],
};

suite('input of the command line', () => {
  const cases: [string, unknown][] = [
    ['name=12', { name: '12' }],
    ['name=a=b', { name: 'a=b' }],
    ['name=@home', { name: '@home' }],
    ['amount=12', { amount: 12 }],
    ['amount=many', { amount: 'many' }],
    ['isHot=true', { isHot: true }],
    ['either=1.5', { either: 1.5 }],
    ['either=x', { either: 'x' }],
    ['tags=["a"]', { tags: ['a'] }],
    ['amount:={"a":1}', { amount: { a: 1 } }],
  ];
  for (const [pair, input] of cases)
    test(`-i ${pair}`, async () => assert.deepEqual(await readInput(task, [pair]), input));

  test('a file is opened where the task takes one of that name', async () => {
    const { potato } = await readInput(task, [`potato=@${import.meta.filename}`]);
    assert.ok(potato instanceof File);
    assert.equal(potato.name, 'input.test.ts');
  });

  for (const pair of ['name', '=x', 'colour=red', 'tags=[', 'amount:=many', 'potato=@/nowhere'])
    test(`-i ${pair} is wrong usage`, () => assert.rejects(readInput(task, [pair]), UsageError));
});
