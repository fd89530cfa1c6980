export type JsonSchema = Readonly<Record<string, unknown>>;

/** An object of OpenAPI that is no schema: a parameter, a response, an operation. */
export type OpenApiObject = Readonly<Record<string, unknown>>;

/** The words that schemas are written with. */
export const FORMATS = {
  text: (description?: string): JsonSchema => ({ type: 'string', ...(description ? { description } : {}) }),
  count: (description?: string): JsonSchema => ({
    type: 'integer',
    minimum: 0,
    ...(description ? { description } : {}),
  }),
  nullable: (type: string): JsonSchema => ({ type: [type, 'null'] }),
  number: { type: 'number' },
  time: { type: 'string', format: 'date-time' },
  uri: { type: 'string', format: 'uri' },
} as const;

/** Points to a component of the document. */
export function ref(name: string, kind = 'schemas'): JsonSchema {
  return { $ref: `#/components/${kind}/${name}` };
}

/** An array of these. */
export function list(items: JsonSchema): JsonSchema {
  return { type: 'array', items };
}

/** Members that are always there, and such as may be; others are allowed. */
export function object(
  required: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } };
}

interface ParameterOptions {
  readonly description: string;
  readonly schema?: JsonSchema;
  readonly required?: boolean;
}

export function parameter(
  name: string,
  place: 'query' | 'header' | 'path',
  { description, schema = { type: 'string' }, required = place === 'path' }: ParameterOptions,
): OpenApiObject {
  return { name, in: place, required, description, schema };
}

export function content(mediaType: string, schema: JsonSchema): OpenApiObject {
  return { [mediaType]: { schema } };
}

/** A response or a body of JSON. */
export function json(description: string, schema: JsonSchema, headers?: OpenApiObject): OpenApiObject {
  return { description, ...(headers ? { headers } : {}), content: content('application/json', schema) };
}

/** Bytes of any type: OpenAPI 3.1 says so by leaving the schema empty. */
export function bytes(description: string, mediaType = '*/*'): OpenApiObject {
  return { description, content: content(mediaType, {}) };
}

export function header(description: string, schema: JsonSchema = { type: 'string' }): OpenApiObject {
  return { description, schema };
}
