import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { isDeeper } from '../core/json-depth.ts';
import { describeIssues, type StandardSchema } from '../core/standard-schema.ts';

type Properties = Readonly<Record<string, { readonly type?: unknown }>>;
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Checks raw input against a task's schema; members that came as text are turned into what the schema asks for. */
export interface InputParser {
  /** JSON Schema (draft 2020-12) of the input. */
  readonly jsonSchema: JsonSchema;
  /** Error: `invalid_input`, naming each member that is wrong and why. */
  parse(raw: Readonly<Record<string, unknown>>, from: 'json' | 'text'): unknown;
  /** The schema names such a member. */
  has(member: string): boolean;
  /** Text members as what the schema asks for, unchecked. */
  fromText(raw: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

const NO_INPUT = z.object({});

export function createInputParser(schema: StandardSchema = NO_INPUT): InputParser {
  const jsonSchema = toJsonSchema(schema, 'input');
  const properties = (jsonSchema.properties ?? {}) as Properties;

  function parse(raw: Readonly<Record<string, unknown>>, from: 'json' | 'text'): unknown {
    const members = from === 'json' ? raw : fromText(raw, properties);
    const checked = schema['~standard'].validate(members);
    if (checked instanceof Promise) throw new Error("a task's input schema must not be asynchronous");
    if (!checked.issues) return checked.value;
    throw new AppError('invalid_input', describeIssues(checked.issues));
  }

  return { jsonSchema, parse, has: (member) => member in properties, fromText: (raw) => fromText(raw, properties) };
}

/** What the schema says about itself; `{}`, anything, where its library has no way to say it. */
export function toJsonSchema(schema: StandardSchema, io: 'input' | 'output'): JsonSchema {
  if ('_zod' in schema) return z.toJSONSchema(schema as unknown as z.ZodType, { io, unrepresentable: 'any' });
  return schema['~standard'].jsonSchema?.[io]({ target: 'draft-2020-12' }) ?? {};
}

function fromText(raw: Readonly<Record<string, unknown>>, properties: Properties): Record<string, unknown> {
  const members: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(raw)) {
    members[name] = typeof value === 'string' ? fromOneText(value, properties[name]?.type) : value;
  }
  return { ...members };
}

/** What is not the type's spelling stays text, so that the schema names it. */
function fromOneText(text: string, type: unknown): unknown {
  if ((type === 'number' || type === 'integer') && text.trim() !== '') {
    const number = Number(text);
    return Number.isFinite(number) ? number : text;
  }
  if (type === 'boolean') {
    if (/^(true|1|yes|on|)$/i.test(text)) return true;
    return /^(false|0|no|off)$/i.test(text) ? false : text;
  }
  if (type === 'object' || type === 'array') return parsed(text) ?? text;
  return text;
}

/** undefined: it is not JSON, or nested too deeply to be handled. */
function parsed(text: string): unknown {
  if (isDeeper(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
