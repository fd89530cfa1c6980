import { createHash } from 'node:crypto';
import { type Dispatcher, request } from 'undici';
import type { Body } from './body.ts';

/** Downloads a stored file and compares it with what was sent; the bytes lost, 0 where all is right. */
export async function readBack(
  dispatcher: Dispatcher,
  { origin, id, body }: { origin: string; id: string; body: Body },
): Promise<number> {
  const answer = await request(`${origin}/v1/files/${id}`, { dispatcher });
  const hash = createHash('sha256');
  let size = 0;
  for await (const part of answer.body) {
    hash.update(part);
    size += part.length;
  }
  const isRight = answer.statusCode === 200 && size === body.length && hash.digest('hex') === body.sha256;
  return isRight ? 0 : body.length;
}

/** Removes a stored file; true for any 2xx. */
export async function remove(dispatcher: Dispatcher, origin: string, id: string): Promise<boolean> {
  const { statusCode, body } = await request(`${origin}/v1/files/${id}`, { dispatcher, method: 'DELETE' });
  await body.dump();
  return statusCode >= 200 && statusCode < 300;
}
