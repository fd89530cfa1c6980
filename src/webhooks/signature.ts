import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
/** Standard Webhooks asks for 24 to 64 bytes; what is shorter can be guessed. */
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

/** The keys behind `whsec_<base64>` secrets, which `source` holds. Error: one is not of that form. */
export function parseSecrets(secrets: readonly string[], source = '--webhook-secret'): readonly Buffer[] {
  return secrets.map((secret) => {
    const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
    const key = Buffer.from(text, 'base64');
    const isWhole = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
    if (isWhole && key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES) return key;
    throw new Error(`${source}: expected ${PREFIX} and ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes in base64`);
  });
}

export function formatSecret(key: Buffer): string {
  return PREFIX + key.toString('base64');
}

export interface Message {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers of one attempt, signed by every key, so that a secret can be replaced without a gap (standardwebhooks.com). */
export function signedHeaders({ id, timestamp, body }: Message, keys: readonly Buffer[]): Record<string, string> {
  const content = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') };
}
