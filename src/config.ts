import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readAddressException } from './core/address-exception.ts';
import { readNetwork } from './core/network.ts';
import { allowed, readValue, show } from './setting-values.ts';
import { ALIASES, type Config, flagName, SETTINGS, type SettingKind, variableName } from './settings.ts';

export type { Config } from './settings.ts';

/** A wrong or missing value: one line that names the setting, the value and what is allowed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Every flag, the config file's own among them. */
const KINDS: ReadonlyMap<string, SettingKind> = new Map([
  ['config', { type: 'text' }],
  ...Object.entries(SETTINGS).map(([name, { kind }]) => [flagName(name), kind] as const),
]);
/** What the items of a list must be beside texts. */
const LISTS = [
  {
    name: 'allowAddresses',
    isItem: (item: string) => readAddressException(item) !== undefined,
    expected: 'a CIDR, an address, a host, or one of the last two with a port',
  },
  {
    name: 'allowOrigins',
    isItem: isOrigin,
    expected: 'an origin as a browser sends it, like https://app.example, or *',
  },
  {
    name: 'trustedProxies',
    isItem: (item: string) => readNetwork(item) !== undefined,
    expected: 'an address or a CIDR',
  },
] as const;

/** Reads flags, then `env`, then the `--config` file; the first that names a setting wins. Errors: ConfigError. */
export function loadConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const flags = parseFlags(args);
  const file = readConfigFile(single(flags.config) ?? env.PENSTOCK_CONFIG);
  const config: Record<string, unknown> = {};
  const sources: Partial<Record<string, string>> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const flag = flagName(name);
    const [given, source] = [
      [flags[flag], `--${flag}`] as const,
      [env[variableName(name)], variableName(name)] as const,
      aliased(name, env),
      [file[flag], `"${flag}" of the config file`] as const,
    ].find(([value]) => value !== undefined) ?? [undefined, ''];
    config[name] = given === undefined ? setting.default : parseValue(setting.kind, given, source);
    if (given !== undefined) sources[name] = source;
  }
  const checked = Object.freeze(config) as Config;
  checkLists(checked, sources);
  checkDeadlines(checked, sources);
  return checked;
}

type Sources = Readonly<Partial<Record<string, string>>>;

function checkLists(config: Config, sources: Sources): void {
  for (const { name, isItem, expected } of LISTS) {
    const wrong = config[name].find((item) => !isItem(item));
    if (wrong !== undefined) throw refused(sources[name] ?? name, wrong, expected);
  }
}

/** The default gives way to a lower maximum; who names a deadline means it. */
function checkDeadlines({ deadline, maxDeadline }: Config, sources: Sources): void {
  if (sources.deadline === undefined || deadline <= maxDeadline) return;
  throw refused(sources.deadline, deadline, `at most max-deadline, which is ${show(maxDeadline, 's')}`);
}

function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true;
  const origin = text.replace(/\/$/, '').toLowerCase();
  if (/^https?:/.test(origin)) return URL.parse(origin)?.origin === origin;
  // Of apps and browser extensions; URL knows no origin for them.
  return /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/.test(origin);
}

function refused(source: string, given: unknown, expected: string): ConfigError {
  return new ConfigError(`${source}: ${JSON.stringify(given)} is not allowed; expected ${expected}`);
}

/** The variable of another name that means the setting, and its value in our words. */
function aliased(name: string, env: Readonly<Record<string, string | undefined>>): readonly [unknown, string] {
  const [variable = '', alias] = Object.entries(ALIASES).find(([, { name: meant }]) => meant === name) ?? [];
  const value = env[variable];
  return [value === undefined ? undefined : (alias?.values?.[value] ?? value), variable];
}

/** Not strictly: parseArgs would tell what is wrong in several lines, and not what is allowed. */
function parseFlags(args: readonly string[]): Record<string, unknown> {
  const options = Object.fromEntries(
    [...KINDS].map(([flag, { type }]) => [
      flag,
      { type: type === 'flag' ? 'boolean' : 'string', multiple: type === 'list' } as const,
    ]),
  );
  const { values, tokens } = parseArgs({ args: [...args], options, allowNegative: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional') throw unknownSetting(token.value);
    if (token.kind === 'option') checkFlag(token);
  }
  return values;
}

interface GivenFlag {
  readonly name: string;
  /** As typed. */
  readonly rawName: string;
  readonly value?: string | undefined;
  /** Behind a `=`. */
  readonly inlineValue?: boolean | undefined;
}

/** The value itself is judged with those of other sources. */
function checkFlag({ name, rawName, value, inlineValue }: GivenFlag): void {
  const kind = KINDS.get(name);
  const isNegative = rawName === `--no-${name}`;
  if (!kind || (isNegative && kind.type !== 'flag'))
    throw unknownSetting(inlineValue ? `${rawName}=${value}` : rawName);
  if (kind.type === 'flag') return;
  if (value === undefined) throw new ConfigError(`${rawName}: there is no value; expected ${allowed(kind)}`);
  if (inlineValue || !value.startsWith('-')) return;
  // A text may begin so, too, but this one is rather the next flag.
  const isText = kind.type === 'text' || kind.type === 'list';
  throw refused(rawName, value, isText ? `${allowed(kind)}, or ${rawName}=${value}` : allowed(kind));
}

function unknownSetting(given: string): ConfigError {
  return new ConfigError(`${JSON.stringify(given)} is not a setting; --help lists all settings`);
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
    // JSON.parse quotes from the file, line ends included.
    throw new ConfigError(`--config ${path}: ${error instanceof Error ? error.message : error}`.replaceAll('\n', ' '));
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
  throw refused(source, given, allowed(kind));
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
