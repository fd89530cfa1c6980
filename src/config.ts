import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ALIASES, type Config, flagName, SETTINGS, type SettingKind, variableName } from './settings.ts';

export type { Config } from './settings.ts';

/** A wrong or missing value: one line that names the setting, the value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const SIZES: Readonly<Record<string, number>> = Object.fromEntries(
  ['', 'k', 'm', 'g', 't'].flatMap((prefix, power) => [
    [prefix, 1e3 ** power],
    [`${prefix}b`, 1e3 ** power],
    [`${prefix}i`, 2 ** (10 * power)],
    [`${prefix}ib`, 2 ** (10 * power)],
  ]),
);
const TIMES: Readonly<Record<string, number>> = { '': 1, ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };
const QUANTITY = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;

/** Reads flags, then `env`, then the `--config` file; the first that names a setting wins. Errors: ConfigError. */
export function loadConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const flags = parseFlags(args);
  const file = readConfigFile(single(flags.config) ?? env.PENSTOCK_CONFIG);
  const config: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const flag = flagName(name);
    const [given, source] = [
      [flags[flag], `--${flag}`] as const,
      [env[variableName(name)], variableName(name)] as const,
      aliased(name, env),
      [file[flag], `"${flag}" of the config file`] as const,
    ].find(([value]) => value !== undefined) ?? [undefined, ''];
    config[name] = given === undefined ? setting.default : parseValue(setting.kind, given, source);
  }
  return Object.freeze(config) as Config;
}

/** The variable of another name that means the setting, and its value in our words. */
function aliased(name: string, env: Readonly<Record<string, string | undefined>>): readonly [unknown, string] {
  const [variable = '', alias] = Object.entries(ALIASES).find(([, { name: meant }]) => meant === name) ?? [];
  const value = env[variable];
  return [value === undefined ? undefined : (alias?.values?.[value] ?? value), variable];
}

function parseFlags(args: readonly string[]): Record<string, unknown> {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean }> = { config: { type: 'string' } };
  for (const [name, { kind }] of Object.entries(SETTINGS)) {
    options[flagName(name)] =
      kind.type === 'flag' ? { type: 'boolean' } : { type: 'string', multiple: kind.type === 'list' };
  }
  try {
    return parseArgs({ args: [...args], options, allowNegative: true }).values;
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : error}; --help lists all settings`);
  }
}

function single(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function readConfigFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`--config ${path}: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ConfigError(`--config ${path}: expected one JSON object of settings`);
  }
  const known = new Set(Object.keys(SETTINGS).map(flagName));
  const unknown = Object.keys(parsed).find((key) => !known.has(key));
  if (unknown !== undefined) throw new ConfigError(`--config ${path}: "${unknown}" is not a setting; --help lists all`);
  return { ...parsed };
}

function parseValue(kind: SettingKind, given: unknown, source: string): unknown {
  const value = readValue(kind, given);
  if (value !== undefined) return value;
  throw new ConfigError(`${source}: ${JSON.stringify(given)} is not allowed; expected ${allowed(kind)}`);
}

/** undefined: not a value of this kind. */
function readValue(kind: SettingKind, given: unknown): unknown {
  switch (kind.type) {
    case 'text':
      return typeof given === 'string' && given !== '' ? given : undefined;
    case 'list':
      return readList(given);
    case 'flag':
      return readFlag(given);
    case 'choice':
      return typeof given === 'string' && kind.of.includes(given) ? given : undefined;
    case 'number': {
      const value = quantity(kind.unit, String(given));
      if (value === undefined || value < kind.min || value > kind.max) return undefined;
      return kind.whole && !Number.isInteger(value) ? undefined : value;
    }
    default:
      return kind satisfies never;
  }
}

function readFlag(given: unknown): boolean | undefined {
  if (typeof given === 'boolean') return given;
  if (typeof given !== 'string') return undefined;
  if (/^(1|true|yes|on)$/i.test(given)) return true;
  return /^(0|false|no|off|)$/i.test(given) ? false : undefined;
}

function readList(given: unknown): readonly string[] | undefined {
  const items: unknown[] = Array.isArray(given) ? given : [given];
  if (!items.every((item) => typeof item === 'string')) return undefined;
  const parts = items.flatMap((item) => item.split(',')).map((item) => item.trim());
  // An empty one, say of a variable that was never filled in, must not turn a guard off.
  return parts.includes('') ? undefined : Object.freeze(parts);
}

function quantity(unit: string, given: string): number | undefined {
  const [, digits, suffix] = QUANTITY.exec(given.trim()) ?? [];
  if (digits === undefined || suffix === undefined) return undefined;
  const factors = unit === 'bytes' || unit === 'B/s' ? SIZES : unit === 's' ? TIMES : { '': 1 };
  const factor = factors[suffix.toLowerCase()];
  return factor === undefined ? undefined : Number(digits) * factor;
}

/** What a value of this kind may be, in words. */
function allowed(kind: SettingKind): string {
  switch (kind.type) {
    case 'text':
      return 'some text';
    case 'list':
      return 'a list of texts';
    case 'flag':
      return 'true or false';
    case 'choice':
      return kind.of.join(' | ');
    case 'number':
      return `${kind.whole ? 'a whole number' : 'a number'} from ${show(kind.min, kind.unit)} to ${show(kind.max, kind.unit)}`;
    default:
      return kind satisfies never;
  }
}

function show(value: number, unit: string): string {
  if (unit === 'count') return String(value);
  if (unit === 's') return value >= 3600 && value % 3600 === 0 ? `${value / 3600} h` : `${value} s`;
  const [name, size] = [
    ['TiB', 2 ** 40] as const,
    ['GiB', 2 ** 30] as const,
    ['MiB', 2 ** 20] as const,
    ['KiB', 2 ** 10] as const,
  ].find(([, factor]) => value >= factor && value % factor === 0) ?? ['B', 1];
  return `${value / size} ${name}${unit === 'B/s' ? '/s' : ''}`;
}

/** One row per setting: flag, default and limits, meaning; for --help and for the README's table. */
export function describeSettings(): readonly {
  flag: string;
  variable: string;
  default: string;
  allowed: string;
  doc: string;
}[] {
  return Object.entries(SETTINGS).map(([name, setting]) => ({
    flag: `--${flagName(name)}`,
    variable: variableName(name),
    default: describeDefault(setting.kind, setting.default),
    allowed: allowed(setting.kind),
    doc: setting.doc,
  }));
}

function describeDefault(kind: SettingKind, value: unknown): string {
  if (kind.type === 'number') return show(Number(value), kind.unit);
  if (kind.type === 'flag') return 'off';
  return kind.type === 'list' ? 'none' : String(value);
}
