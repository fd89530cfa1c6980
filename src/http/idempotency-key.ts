import { parseItem } from 'structured-headers';
import { AppError } from '../core/errors.ts';
import type { Exchange } from './exchange.ts';

const MAX_CHARACTERS = 255;

/** `Idempotency-Key`, a structured-field string (RFC 9651 section 3.3.3). Error: `bad_request`. */
export function readIdempotencyKey(exchange: Exchange): string | undefined {
  const lines = exchange.headers('idempotency-key');
  if (lines.length === 0) return undefined;
  const key = lines.length === 1 ? parseString(lines[0] ?? '') : undefined;
  if (key !== undefined && key !== '' && key.length <= MAX_CHARACTERS) return key;
  throw new AppError(
    'bad_request',
    `Idempotency-Key: expected one string in double quotes of at most ${MAX_CHARACTERS} characters, as in "8e03978e"`,
  );
}

function parseString(text: string): string | undefined {
  try {
    const [value] = parseItem(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // The caller names what is wrong.
  }
}
