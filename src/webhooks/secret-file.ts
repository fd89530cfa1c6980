import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { systemCode } from '../core/errors.ts';
import { formatSecret } from './signature.ts';

const KEY_BYTES = 32;

/** The secret that a server without a setting makes at its first start and keeps, readable for its owner alone. */
export async function openSecretFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const secret = formatSecret(randomBytes(KEY_BYTES));
  await writeFile(path, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return secret;
}
