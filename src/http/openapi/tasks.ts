import type { TaskEntry } from '../../tasks/tasks.ts';
import { content, FORMATS, header, type JsonSchema, json, list, type OpenApiObject, parameter, ref } from './shapes.ts';

const { text, number } = FORMATS;
type Members = Readonly<Record<string, JsonSchema>>;

const FILE_MEMBERS: Members = {
  file: text('id of a stored file'),
  url: text('of the file, fetched by the server'),
  base64: text('of the file, or a data: URL'),
};
const CALL_PARAMETERS = [
  parameter('deadline', 'query', {
    description: 'seconds that the caller waits',
    schema: { ...number, exclusiveMinimum: 0 },
  }),
  parameter('on_timeout', 'query', {
    description: 'at the deadline',
    schema: { type: 'string', enum: ['cancel', 'continue'] },
  }),
  parameter('priority', 'query', {
    description: 'higher goes first',
    schema: { type: 'integer', minimum: -10, maximum: 10 },
  }),
  parameter('callback_url', 'query', { description: 'is told when the job has ended' }),
  parameter('Prefer', 'header', { description: 'respond-async: 202 and the job at once; wait=5: after 5 s' }),
  parameter('Idempotency-Key', 'header', {
    description: 'a string in double quotes: the same call gets the same answer',
  }),
];

/** The schemas that a task's operation points to, by name. */
export function taskSchemas({ task, input, resultSchema }: TaskEntry): Record<string, JsonSchema> {
  return {
    [inputName(task.name)]: rebase(input.jsonSchema, inputName(task.name)) as JsonSchema,
    ...(resultSchema ? { [resultName(task.name)]: rebase(resultSchema, resultName(task.name)) as JsonSchema } : {}),
  };
}

/** What calling a task by its short path takes and answers. */
export function taskOperation(entry: TaskEntry, method: string): OpenApiObject {
  const { task, methods } = entry;
  const inPath = [...entry.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const members = Object.entries(membersOf(entry));
  const own = members.map(([name]) => name);
  const isRequired = (name: string) => method === 'GET' && requiredOf(entry).includes(name);
  return {
    tags: ['tasks'],
    operationId: methods.length > 1 ? `${task.name}_${method.toLowerCase()}` : task.name,
    summary: task.description ?? task.name,
    parameters: [
      ...inPath.map((name) =>
        parameter(name, 'path', { description: 'input', schema: membersOf(entry)[name] ?? text() }),
      ),
      ...members
        .filter(([name]) => !inPath.includes(name))
        .map(([name, schema]) =>
          parameter(name, 'query', { description: describe(schema), schema, required: isRequired(name) }),
        ),
      ...(entry.isInline ? [] : CALL_PARAMETERS.filter(({ name }) => !own.includes(String(name)))),
    ],
    ...(method === 'GET' || method === 'DELETE' ? {} : { requestBody: bodyOf(entry) }),
    responses: responsesOf(entry),
  };
}

/** Members of the input that a query can tell, each pointing into the task's schema. */
function membersOf({ task, input }: TaskEntry): Members {
  const { properties } = input.jsonSchema as { properties?: Record<string, unknown> };
  return Object.fromEntries(
    Object.keys(properties ?? {}).map((name) => [
      name,
      { $ref: `#/components/schemas/${inputName(task.name)}/properties/${escapePointer(name)}` },
    ]),
  );
}

function requiredOf({ input }: TaskEntry): readonly string[] {
  const { required } = input.jsonSchema as { required?: readonly string[] };
  return required ?? [];
}

/** The body is the file, a form or JSON; without files it is the input, which may also stand in the query. */
function bodyOf(entry: TaskEntry): OpenApiObject {
  const { slots } = entry;
  const [first] = slots;
  const properties = membersOf(entry);
  const form = { type: 'object', properties: { ...properties, ...fileMembers(slots, {}) } };
  if (!first) {
    const schema = ref(inputName(entry.task.name));
    const media = {
      'application/json': { schema },
      'application/x-www-form-urlencoded': { schema: form },
      'multipart/form-data': { schema: form },
    };
    return { required: false, content: media };
  }
  const raw = Object.fromEntries(
    ['application/octet-stream', ...(first.mediaTypes ?? [])].map((type) => [type, { schema: {} }]),
  );
  const asJson = {
    type: 'object',
    properties: { ...properties, ...FILE_MEMBERS, ...fileMembers(slots, text('id, URL or base64')) },
  };
  return {
    required: slots.some(({ optional, many }) => !optional && !many),
    content: { ...raw, 'multipart/form-data': { schema: form }, 'application/json': { schema: asJson } },
  };
}

function fileMembers(slots: TaskEntry['slots'], schema: JsonSchema): Record<string, JsonSchema> {
  return Object.fromEntries(slots.map(({ name, many }) => [name, many ? list(schema) : schema]));
}

function responsesOf({ task, resultSchema, isInline, canStream, answer }: TaskEntry): OpenApiObject {
  const result = resultSchema ? ref(resultName(task.name)) : {};
  const media = {
    ...content('application/json', task.reply ? {} : result),
    ...(canStream ? { 'application/x-ndjson': { schema: {} }, 'text/event-stream': { schema: {} } } : {}),
  };
  const accepted = { 202: json('the job', ref('Job'), { location: header('of the job') }) };
  return {
    200: { description: answer === 'stream' ? 'its items' : 'the result', content: media },
    ...(isInline ? {} : accepted),
  };
}

/** References of a task's own schema, which stands elsewhere in this document; its dialect is the document's. */
function rebase(schema: unknown, name: string): unknown {
  if (Array.isArray(schema)) return schema.map((one) => rebase(one, name));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => key !== '$schema')
      .map(([key, value]) => [
        key,
        key === '$ref' && typeof value === 'string'
          ? value.replace(/^#/, `#/components/schemas/${name}`)
          : rebase(value, name),
      ]),
  );
}

const inputName = (task: string) => `${task}_input`;
const resultName = (task: string) => `${task}_result`;

function escapePointer(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function describe({ $ref }: JsonSchema): string {
  return $ref === undefined ? 'input' : 'input; may stand in the body, too';
}
