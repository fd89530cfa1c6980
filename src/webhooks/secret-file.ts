import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { systemCode } from '../core/errors.ts';
import { formatSecret } from './signature.ts';

const KEY_BYTES = 32;

/** The secret that a server without a setting makes at its first start and keeps, readable for its owner alone. */
export async function openSecretFile(path: string): Promise<string> {
  try {
    const kept = (await readFile(path, 'utf8')).trim();
    if (kept !== '') return kept;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const secret = formatSecret(randomBytes(KEY_BYTES));
  // All or nothing: a full disk must not leave an empty one.
  await writeFile(`${path}.new`, `${secret}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
  return secret;
}
