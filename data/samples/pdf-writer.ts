import { deflateSync } from 'node:zlib';

/** An object's number; `ref()` is how other objects name it. */
export type Id = number;

/** A PDF value as it is written: a name with its slash, a number, an array, or a ready piece of syntax. */
export type Value = string | number | readonly Value[] | { readonly [key: string]: Value };

export interface PdfWriter {
  /** Takes the number of an object that is written later. */
  readonly reserve: () => Id;
  readonly add: (value: Value, id?: Id) => Id;
  /** A stream; compressed by Flate unless the dictionary names a filter. */
  readonly addStream: (dictionary: Readonly<Record<string, Value>>, data: Uint8Array | string) => Id;
  readonly finish: (catalog: Readonly<Record<string, Value>>) => Buffer;
}

export function ref(id: Id): string {
  return `${id} 0 R`;
}

/** A text string (ISO 32000-2, 7.9.2.2): UTF-16BE with its mark, in hexadecimal. */
export function textString(text: string): string {
  const swapped = Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
  return `<${swapped.toString('hex')}>`;
}

/** A literal string of Latin characters. */
export function literal(text: string): string {
  return `(${text.replace(/[\\()]/g, '\\$&')})`;
}

export function serialize(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number(value.toFixed(4)).toString();
  if (isList(value)) return `[${value.map(serialize).join(' ')}]`;
  const entries = Object.entries(value).map(([key, item]) => `/${key} ${serialize(item)}`);
  return `<< ${entries.join(' ')} >>`;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Writes PDF 1.7 with a plain cross-reference table. The same input gives the same bytes. */
export function createPdfWriter(): PdfWriter {
  const bodies: (Buffer | undefined)[] = [];
  const reserve = () => bodies.push(undefined);
  const put = (body: Buffer, id = reserve()) => {
    bodies[id - 1] = body;
    return id;
  };
  return {
    reserve,
    add: (value, id) => put(Buffer.from(serialize(value), 'latin1'), id),
    addStream: (dictionary, data) => {
      const raw = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
      const isReady = 'Filter' in dictionary;
      const bytes = isReady ? raw : deflateSync(raw, { level: 9 });
      const full = { ...dictionary, ...(isReady ? {} : { Filter: '/FlateDecode' }), Length: bytes.length };
      return put(
        Buffer.concat([Buffer.from(`${serialize(full)}\nstream\n`, 'latin1'), bytes, Buffer.from('\nendstream')]),
      );
    },
    finish: (catalog) => {
      const root = put(Buffer.from(serialize({ Type: '/Catalog', ...catalog }), 'latin1'));
      return assemble(bodies, root);
    },
  };
}

function assemble(bodies: readonly (Buffer | undefined)[], root: Id): Buffer {
  const parts = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  let offset = parts[0]?.length ?? 0;
  const table = ['0000000000 65535 f \n'];
  for (const [index, body] of bodies.entries()) {
    if (!body) throw new Error(`object ${index + 1} was reserved and never written`);
    const part = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), body, Buffer.from('\nendobj\n')]);
    table.push(`${String(offset).padStart(10, '0')} 00000 n \n`);
    parts.push(part);
    offset += part.length;
  }
  const trailer = serialize({ Size: bodies.length + 1, Root: ref(root) });
  const tail = `xref\n0 ${table.length}\n${table.join('')}trailer\n${trailer}\nstartxref\n${offset}\n%%EOF\n`;
  return Buffer.concat([...parts, Buffer.from(tail, 'latin1')]);
}
