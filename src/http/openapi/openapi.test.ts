import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { z } from 'zod';
import type { Task } from '../../tasks/task.ts';
import type { TaskEntry } from '../../tasks/tasks.ts';
import { buildOpenApi } from './openapi.ts';

interface Tree {
  readonly name: string;
  readonly children: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }));

function entryOf(task: Partial<Task> & { name: string }, more: Partial<TaskEntry> = {}): TaskEntry {
  const input = z.toJSONSchema(z.object({ id: z.string(), amount: z.int().default(1), tree }), { io: 'input' });
  return {
    ...{
      task: { run: () => 0, ...task } as Task,
      moduleUrl: '',
      isInline: false,
      path: `/${task.name}`,
      methods: ['POST'],
    },
    input: { jsonSchema: input, parse: () => 0, has: () => false, fromText: (raw: object) => ({ ...raw }) },
    ...{ resultSchema: undefined, slots: [], queueSize: 1, concurrency: 1, deadlineS: 1, maxDeadlineS: 1 },
    ...{ answer: 'sync', canStream: false },
    ...more,
  } as TaskEntry;
}

type Parameters = readonly { name: string; in: string; required: boolean }[];

function operationsOf(entry: TaskEntry, method = 'POST') {
  const document = buildOpenApi({ routes: [{ method, path: entry.path }], tasks: [entry], hasKeys: false }) as {
    paths: Record<string, Record<string, { parameters: Parameters; requestBody?: unknown; responses: object }>>;
  };
  const operation = document.paths[entry.path]?.[method.toLowerCase()];
  assert.ok(operation);
  return { document, operation };
}

suite('the OpenAPI document of a task', () => {
  test('a recursive input keeps its references, and the document is valid', async () => {
    const { document } = operationsOf(entryOf({ name: 'grow' }));
    assert.doesNotMatch(JSON.stringify(document), /"\$ref":"#\/\$defs/);
    const outcome = await new Validator().validate({ ...document });
    assert.equal(outcome.valid, true, JSON.stringify(outcome.errors));
  });

  test('members that stand in the path are no query parameters', () => {
    const { operation } = operationsOf(entryOf({ name: 'pick' }, { path: '/pick/{id}', methods: ['GET'] }), 'GET');
    const places = operation.parameters.filter(({ name }) => name === 'id').map((one) => [one.in, one.required]);
    assert.deepEqual(places, [['path', true]]);
    assert.equal(operation.requestBody, undefined);
  });

  test('one with several methods has an operation id for each', () => {
    const entry = entryOf({ name: 'both' }, { methods: ['GET', 'POST'] });
    assert.partialDeepStrictEqual(operationsOf(entry, 'GET').operation, { operationId: 'both_get' });
    assert.partialDeepStrictEqual(operationsOf(entry, 'POST').operation, { operationId: 'both_post' });
  });

  test('an endpoint without jobs has neither a deadline nor a job to answer', () => {
    const { operation } = operationsOf(entryOf({ name: 'echo' }, { isInline: true }));
    assert.deepEqual(Object.keys(operation.responses), ['200', 'default']);
    assert.ok(!operation.parameters.some(({ name }) => name === 'deadline'));
  });

  test('a page for people is no operation', () => {
    const routes = [{ method: 'GET', path: '/docs' }];
    assert.deepEqual(buildOpenApi({ routes, tasks: [], hasKeys: true }).paths, {});
  });
});
