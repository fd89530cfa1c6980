import { z } from 'zod';
import { AppError } from '../core/errors.ts';

type Properties = Readonly<Record<string, { readonly type?: unknown }>>;

/** Checks raw input against a task's schema; members that came as text are turned into what the schema asks for. */
export interface InputParser {
  /** JSON Schema (draft 2020-12) of the input. */
  readonly jsonSchema: Readonly<Record<string, unknown>>;
  /** Error: `invalid_input`, naming each member that is wrong and why. */
  parse(raw: Readonly<Record<string, unknown>>, from: 'json' | 'text'): unknown;
  /** Text members as what the schema asks for, unchecked. */
  fromText(raw: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

export function createInputParser(schema: z.ZodType): InputParser {
  const jsonSchema = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const properties = (jsonSchema.properties ?? {}) as Properties;

  function parse(raw: Readonly<Record<string, unknown>>, from: 'json' | 'text'): unknown {
    const members = from === 'json' ? raw : fromText(raw, properties);
    const parsed = schema.safeParse(members);
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.map(({ path, message }) =>
      path.length > 0 ? `${path.join('.')}: ${message}` : message,
    );
    throw new AppError('invalid_input', problems.join('; '));
  }

  return { jsonSchema, parse, fromText: (raw) => fromText(raw, properties) };
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
  return text;
}
