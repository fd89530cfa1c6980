import type { SettingKind } from './settings.ts';

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

/** undefined: not a value of this kind. */
export function readValue(kind: SettingKind, given: unknown): unknown {
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
export function allowed(kind: SettingKind): string {
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

/** A number in the largest unit that it is whole in. */
export function show(value: number, unit: string): string {
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
