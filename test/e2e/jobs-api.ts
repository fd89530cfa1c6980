import { readFileSync } from 'node:fs';
import type { WebhookJson } from '../../src/api.ts';
import type { TestServer } from './server.ts';

export const SAMPLE = readFileSync(new URL('../../data/sample-17-pages.pdf', import.meta.url));
export const ONE_PAGE = readFileSync(new URL('../../data/sample-1-page.pdf', import.meta.url));

/** A job's JSON, or a problem's, as the tests look at them. */
export interface Json {
  readonly id: string;
  readonly status: string;
  readonly progress: number;
  readonly attempt: number;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly code?: string;
  readonly job_id?: string;
  readonly queue_position?: number;
  readonly estimated_wait_s?: number;
  readonly links?: Record<string, string>;
  readonly error?: { readonly code: string };
  readonly webhooks?: readonly WebhookJson[];
  readonly result?: { readonly pages: { readonly page: number; readonly url: string; readonly bytes: number }[] };
}

/** Calls on one server, by hand. */
export function apiOf({ url }: Pick<TestServer, 'url'>) {
  async function json(answer: Response): Promise<Json> {
    return (await answer.json()) as Json;
  }
  return {
    json,
    run: (query: string, body: Uint8Array, headers: Record<string, string> = {}) =>
      fetch(`${url}/pdf2image${query}`, { method: 'POST', body: new Uint8Array(body), headers }),
    get: async (path: string) => json(await fetch(url + path)),
    list: async (query: string) =>
      (await (await fetch(`${url}/v1/jobs${query}`)).json()) as { jobs: Json[]; next: string | null },
  };
}
