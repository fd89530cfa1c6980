import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { JobJson } from '../api.ts';
import { PenstockError } from './error.ts';
import { isPassing } from './patience.ts';
import type { Requester } from './requester.ts';

/** One page of a document, told as soon as it is ready; what tasks of other kinds announce has other members. */
export interface PageJson {
  readonly page: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly media_type: string;
  readonly url: string;
  readonly text?: string;
}

/** What is told of a job on the server. */
export type JobEvent =
  | { readonly type: 'snapshot' | 'progress' | 'done'; readonly job: JobJson }
  | { readonly type: 'page'; readonly page: PageJson };

/** The server lets itself be heard every 15 s. */
const SILENCE_LIMIT_MS = 40_000;
/** Characters of one event; a result is at most some megabytes. */
const MAX_EVENT_CHARACTERS = 256 * 1024 * 1024;

/**
 * A job's events until `done`, over as many connections as it takes: each goes on after the last event that was read.
 * Errors: PenstockError, the signal's reason.
 */
export async function* followJob(requester: Requester, id: string, signal: AbortSignal): AsyncGenerator<JobEvent> {
  const tries = requester.patience(signal);
  const position = { lastId: '' };
  for (;;) {
    try {
      for await (const event of followOnce(requester, { id, signal, position })) {
        // Every connection begins with a snapshot: it is no progress.
        if (event.type !== 'snapshot') tries.reset();
        yield event;
        if (event.type === 'done') return;
      }
      throw new PenstockError('unreachable', 'the events ended before the job did');
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error)) throw error;
      await tries.wait(error);
    }
  }
}

/** Over one connection, from the last event on; ends without `done` when the connection does. */
async function* followOnce(
  requester: Requester,
  { id, signal, position }: { id: string; signal: AbortSignal; position: { lastId: string } },
): AsyncGenerator<JobEvent> {
  const path = `/v1/jobs/${encodeURIComponent(id)}`;
  const { lastId } = position;
  const headers = { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) };
  const response = await requester.send(`${path}/events`, { headers, signal });
  for await (const message of readEvents(response, signal)) {
    position.lastId = message.id ?? position.lastId;
    const event = toJobEvent(message);
    if (event) yield event;
  }
  // The stream also ends where the job had ended before: with 204, or after a snapshot that says so.
  const job = await requester.json<JobJson>(path, { signal });
  if (isFinal(job)) yield { type: 'done', job };
}

function isFinal({ status }: JobJson): boolean {
  return status !== 'queued' && status !== 'running';
}

/** Error: `unreachable`, when the connection breaks or falls silent. */
async function* readEvents(response: Response, signal: AbortSignal): AsyncGenerator<EventSourceMessage> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message), maxBufferSize: MAX_EVENT_CHARACTERS });
  try {
    for (;;) {
      const { done, value } = await readSoon(reader);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* messages.splice(0);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new PenstockError('unreachable', 'the connection broke while events came', { cause: error });
  } finally {
    // Of a connection that broke there is nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}

async function readSoon(reader: ReadableStreamDefaultReader<Uint8Array>) {
  const timer = setTimeout(() => void reader.cancel(), SILENCE_LIMIT_MS);
  try {
    return await reader.read();
  } finally {
    clearTimeout(timer);
  }
}

/** undefined: of a kind that this version does not know. */
function toJobEvent({ event: type, data }: EventSourceMessage): JobEvent | undefined {
  if (type === 'page') return { type, page: JSON.parse(data) as PageJson };
  if (type !== 'snapshot' && type !== 'progress' && type !== 'done') return undefined;
  return { type, job: JSON.parse(data) as JobJson };
}
