import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';

/** One event of an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface ServerEvent {
  readonly type: string;
  readonly id: string;
  readonly data: unknown;
}

/** Proxies drop what is silent for longer, and a reader learns from it that the connection lives. */
const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 1000;

/** Sends the events as they come; the next one is asked for when the socket has taken the last. */
export async function replyEvents(exchange: Exchange, events: AsyncIterable<ServerEvent>): Promise<void> {
  const headers = [
    ['content-type', 'text/event-stream; charset=utf-8'],
    ['cache-control', 'no-store'],
    ['x-accel-buffering', 'no'],
  ] as const;
  await exchange.replyStream({ status: 200, headers }, encode(events));
}

async function* encode(events: AsyncIterable<ServerEvent>): AsyncGenerator<Uint8Array> {
  const iterator = events[Symbol.asyncIterator]();
  yield Buffer.from(`retry: ${RECONNECT_MS}\n\n`);
  try {
    for (;;) {
      const next = iterator.next();
      let item = await orHeartbeat(next);
      while (item === undefined) {
        yield Buffer.from(': still here\n\n');
        item = await orHeartbeat(next);
      }
      if (item.done) return;
      const { type, id, data } = item.value;
      yield Buffer.from(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  } finally {
    await iterator.return?.();
  }
}

/** undefined: it is time for a heartbeat. */
async function orHeartbeat<T>(next: Promise<T>): Promise<T | undefined> {
  const silence = new AbortController();
  try {
    return await Promise.race([next, delay(HEARTBEAT_MS, undefined, { signal: silence.signal })]);
  } finally {
    silence.abort();
  }
}
