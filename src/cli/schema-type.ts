type Schema = Readonly<Record<string, unknown>>;

interface Place {
  /** What `#/…` points into. */
  readonly root: Schema;
  readonly indent: string;
  /** References on the way here: one that comes again is a cycle. */
  readonly refs: readonly string[];
}

const PLAIN: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

/** The TypeScript type of what a JSON Schema (draft 2020-12) lets through; `unknown` for what it cannot tell. */
export function typeOfSchema(schema: unknown, indent = ''): string {
  return isSchema(schema) ? typeOf(schema, { root: schema, indent, refs: [] }) : 'unknown';
}

function typeOf(schema: unknown, place: Place): string {
  if (!isSchema(schema)) return 'unknown';
  if (typeof schema.$ref === 'string') return typeOfRef(schema.$ref, place);
  if ('const' in schema) return literal(schema.const);
  if (Array.isArray(schema.enum)) return union(schema.enum.map(literal));
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return union(choices.map((one) => typeOf(one, place)));
  if (Array.isArray(schema.allOf)) return schema.allOf.map((one) => typeOf(one, place)).join(' & ');
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type }, place)));
  if (schema.type === 'array') return typeOfArray(schema, place);
  if (schema.type === 'object' || 'properties' in schema) return typeOfObject(schema, place);
  return PLAIN[String(schema.type)] ?? 'unknown';
}

function typeOfRef(ref: string, place: Place): string {
  if (place.refs.includes(ref)) return 'unknown';
  let found: unknown = place.root;
  for (const step of ref.replace(/^#\/?/, '').split('/').filter(Boolean))
    found = isSchema(found) ? found[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  return typeOf(found, { ...place, refs: [...place.refs, ref] });
}

function typeOfArray({ items, prefixItems }: Schema, place: Place): string {
  if (Array.isArray(prefixItems)) return `readonly [${prefixItems.map((one) => typeOf(one, place)).join(', ')}]`;
  const item = typeOf(items, place);
  return `readonly ${/[|&]/.test(item) || item.startsWith('readonly') ? `(${item})` : item}[]`;
}

function typeOfObject({ properties, required, additionalProperties: rest }: Schema, place: Place): string {
  const inside = { ...place, indent: `${place.indent}  ` };
  const members = Object.entries(isSchema(properties) ? properties : {}).map(([name, schema]) => {
    const mark = Array.isArray(required) && required.includes(name) ? '' : '?';
    return `${commentOf(schema, inside.indent)}${inside.indent}readonly ${keyText(name)}${mark}: ${typeOf(schema, inside)};`;
  });
  const restType = isSchema(rest) ? typeOf(rest, inside) : 'unknown';
  // Beside members of its own the rest would have to hold theirs, too.
  if (members.length === 0) return `Readonly<Record<string, ${rest === false ? 'never' : restType}>>`;
  return `{\n${members.join('\n')}\n${place.indent}}`;
}

/** One line above a member; empty where the schema says nothing about it. */
export function commentOf(schema: unknown, indent: string): string {
  if (!isSchema(schema)) return '';
  const { description, default: byDefault } = schema;
  const says = [
    ...(typeof description === 'string' && description !== '' ? [description] : []),
    ...(byDefault === undefined ? [] : [`default ${JSON.stringify(byDefault)}`]),
  ].join('; ');
  return says === '' ? '' : `${indent}/** ${says.replaceAll('*/', '* /').replaceAll(/\s+/g, ' ')} */\n`;
}

/** A name that needs quotes gets them. */
export function keyText(name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : literal(name);
}

function literal(value: unknown): string {
  return typeof value === 'string'
    ? `'${JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
    : JSON.stringify(value);
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ') || 'never';
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
