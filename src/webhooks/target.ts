import { AppError, systemCode } from '../core/errors.ts';
import type { AddressGuard } from '../ingest/ingest.ts';

const MAX_CHARACTERS = 2048;

/**
 * A URL that may be called: an absolute http or https URL without credentials, whose host is allowed now. A name that cannot
 * be resolved just now passes: it is checked again whenever a connection is made. Errors: `invalid_input`, `blocked_address`.
 */
export async function checkTarget(value: unknown, guard: AddressGuard): Promise<string> {
  const url = typeof value === 'string' && value.length <= MAX_CHARACTERS ? URL.parse(value) : null;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new AppError(
      'invalid_input',
      `callback_url: expected an http or https URL of at most ${MAX_CHARACTERS} characters`,
    );
  if (url.username !== '' || url.password !== '')
    throw new AppError('invalid_input', 'callback_url: must not contain a user name or password');
  url.hash = '';
  try {
    await guard.admit(url.hostname, Number(url.port) || (url.protocol === 'https:' ? 443 : 80));
  } catch (error) {
    if (error instanceof AppError || systemCode(error) === undefined) throw error;
  }
  return url.href;
}
