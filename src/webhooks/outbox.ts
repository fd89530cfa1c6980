import type { WebhookJson } from '../api.ts';
import { AppError } from '../core/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { type Callback, type Owed, toWebhookJson } from './owed.ts';

const OWED = 'webhooks/';
const DONE = 'callbacks/';

/** What is owed, and what became of it, on disk: `webhooks/<job>/<name>` until `callbacks/<job>/<name>`. */
export interface Outbox {
  /** Durable on return; idempotent. */
  write(entry: Owed): Promise<void>;
  finish(entry: Owed, status: 'delivered' | 'failed'): Promise<void>;
  forget(entry: Owed): Promise<void>;
  owed(): AsyncIterable<{ readonly jobId: string; readonly callback: Callback }>;
  finished(jobId: string): Promise<readonly WebhookJson[]>;
}

export function createOutbox(storage: Storage): Outbox {
  const owedKey = ({ jobId, name }: Owed) => `${OWED}${jobId}/${name}`;
  const doneKey = ({ jobId, name }: Owed) => `${DONE}${jobId}/${name}`;

  async function put(key: string, meta: Readonly<Record<string, unknown>>, durable: boolean): Promise<void> {
    const sink = await storage.create(key, { durable });
    try {
      await sink.commit(meta);
    } catch (error) {
      // Another call with the same URL was first.
      if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    }
  }

  async function* owed(): AsyncGenerator<{ jobId: string; callback: Callback }> {
    for await (const { key, meta } of storage.list(OWED)) {
      const jobId = key.slice(OWED.length).split('/')[0] ?? '';
      yield { jobId, callback: { url: String(meta.url), origin: String(meta.origin) } };
    }
  }

  async function finished(jobId: string): Promise<readonly WebhookJson[]> {
    const found: WebhookJson[] = [];
    for await (const { meta } of storage.list(`${DONE}${jobId}/`)) found.push(meta as unknown as WebhookJson);
    return found;
  }

  return {
    write: (entry) => put(owedKey(entry), { url: entry.url, origin: entry.origin }, true),
    async finish(entry, status) {
      await storage.delete(doneKey(entry));
      await put(doneKey(entry), { ...toWebhookJson(entry, status) }, false);
      await storage.delete(owedKey(entry));
    },
    forget: (entry) => storage.delete(owedKey(entry)),
    owed,
    finished,
  };
}
