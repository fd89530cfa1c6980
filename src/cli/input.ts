import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import type { TaskJson } from '../client/client.ts';
import { UsageError } from './exit.ts';

interface Property {
  readonly type?: unknown;
  readonly anyOf?: readonly Property[];
}

/**
 * The input of a task out of `-i` options: `key=value` as the type that the task's schema has for it, `key:=json` as it
 * stands, and `key=@path` a file, where the task takes one of that name. Error: UsageError.
 */
export async function readInput(
  { name: task, input_schema: schema, files }: TaskJson,
  pairs: readonly string[],
): Promise<Record<string, unknown>> {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Property>>;
  const input: Record<string, unknown> = {};
  for (const pair of pairs) {
    const [, key, operator, text = ''] = /^([^=:]+)(:?=)(.*)$/s.exec(pair) ?? [];
    if (key === undefined) throw new UsageError(`-i ${pair}: expected key=value or key:=json`);
    const isFile = files.some(({ name }) => name === key);
    if (!isFile && schema.additionalProperties === false && !(key in properties)) {
      const known = [...Object.keys(properties), ...files.map(({ name }) => `${name}=@path`)].join(', ');
      throw new UsageError(`-i ${pair}: ${task} knows no ${key}; it takes ${known || 'no input'}`);
    }
    if (operator === ':=') input[key] = readJson(pair, text);
    else if (text.startsWith('@')) input[key] = isFile ? await openFile(pair, text.slice(1)) : text;
    else input[key] = readText(pair, text, typesOf(properties[key]));
  }
  return input;
}

async function openFile(pair: string, path: string): Promise<File> {
  try {
    return new File([await openAsBlob(path)], basename(path));
  } catch (error) {
    throw new UsageError(`-i ${pair}: ${path} cannot be read`, { cause: error });
  }
}

/** What is not the spelling of a type stays text, for the server to say what it expects. */
function readText(pair: string, text: string, types: ReadonlySet<unknown>): unknown {
  if ((types.has('number') || types.has('integer')) && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (types.has('string') || !(types.has('object') || types.has('array'))) return text;
  return readJson(pair, text);
}

function typesOf(property: Property | undefined): ReadonlySet<unknown> {
  const types = [property?.type ?? []].flat();
  return new Set([...types, ...(property?.anyOf ?? []).flatMap((one) => [...typesOf(one)])]);
}

function readJson(pair: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`-i ${pair}: the value is not JSON`, { cause: error });
  }
}
