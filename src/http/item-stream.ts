import { type AppError, toAppError } from '../core/errors.ts';
import type { Exchange } from './exchange.ts';
import { replyEvents, type ServerEvent } from './sse.ts';

/** Server-sent events, or a line of JSON each. */
export type ItemFormat = 'sse' | 'ndjson';

export interface ItemStreamOptions {
  readonly format: ItemFormat;
  /** Told with an error that comes after the first item. */
  readonly errorExtra: Readonly<Record<string, unknown>>;
}

/**
 * Sends items, each already JSON, as they come. What fails before the first is thrown, to be answered with its status; what
 * fails later is told in the stream, as the event `error` or the line `{"error": …}`, and thrown once the stream is out.
 */
export async function replyItems(
  exchange: Exchange,
  items: AsyncIterable<string>,
  { format, errorExtra }: ItemStreamOptions,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  const first = await iterator.next();
  let failure: unknown;

  async function* all(): AsyncGenerator<{ json: string; isError: boolean }> {
    try {
      for (let item = first; !item.done; item = await iterator.next()) yield { json: item.value, isError: false };
    } catch (error) {
      failure = error;
      yield { json: JSON.stringify({ ...describe(toAppError(error)), ...errorExtra }), isError: true };
    } finally {
      await iterator.return?.();
    }
  }

  try {
    if (format === 'sse') await replyEvents(exchange, toEvents(all()));
    else await replyLines(exchange, all());
  } finally {
    // An answer without a body, to HEAD, asks for no item.
    await iterator.return?.();
  }
  if (failure !== undefined) throw failure;
}

function describe({ code, message }: AppError) {
  return { code, detail: message };
}

async function replyLines(exchange: Exchange, items: AsyncIterable<{ json: string; isError: boolean }>): Promise<void> {
  const headers = [
    ['content-type', 'application/x-ndjson; charset=utf-8'],
    ['cache-control', 'no-store'],
    ['x-accel-buffering', 'no'],
  ] as const;
  await exchange.replyStream({ status: 200, headers }, toLines(items));
}

async function* toLines(items: AsyncIterable<{ json: string; isError: boolean }>): AsyncGenerator<Uint8Array> {
  for await (const { json, isError } of items) yield Buffer.from(isError ? `{"error":${json}}\n` : `${json}\n`);
}

async function* toEvents(items: AsyncIterable<{ json: string; isError: boolean }>): AsyncGenerator<ServerEvent> {
  let count = 0;
  for await (const { json, isError } of items) {
    count += 1;
    yield { type: isError ? 'error' : 'item', id: String(count), data: JSON.parse(json) };
    if (isError) return;
  }
  yield { type: 'done', id: String(count + 1), data: { items: count } };
}
