import { AppError, toAppError } from '../core/errors.ts';
import type { EventWork, WorkEvent } from './event-work.ts';

/** What a platform calls: `{path, …input}`, `{input: {path, …}}`, or an HTTP event of an API gateway. */
export type EventHandler = (event: unknown) => Promise<unknown>;

/** Answers an HTTP event by `{statusCode, headers, body}`, any other by the result, or throws what failed. */
export function createEventHandler(work: EventWork, statusOf: (error: unknown) => number): EventHandler {
  return async (event) => {
    const given = membersOf(event);
    const signal = new AbortController().signal;
    if (!isHttpEvent(given)) return await work(readEvent(given), { signal });
    try {
      return toHttpAnswer(200, await work(readHttpEvent(given), { signal }));
    } catch (error) {
      const { code, message: detail } = toAppError(error);
      return toHttpAnswer(statusOf(error), { code, detail });
    }
  };
}

type Members = Readonly<Record<string, unknown>>;

function readEvent(event: Members): WorkEvent {
  const { path, ...members } = 'input' in event && !('path' in event) ? membersOf(event.input) : event;
  return { path: String(path ?? ''), members };
}

/** API Gateway's two formats, which function URLs and others copy. */
function isHttpEvent(event: Members): boolean {
  return 'httpMethod' in event || 'rawPath' in event || 'requestContext' in event;
}

function readHttpEvent({ path, rawPath, body, isBase64Encoded, queryStringParameters }: Members): WorkEvent {
  const text = typeof body === 'string' ? decode(body, isBase64Encoded === true) : '';
  const sent: unknown = text === '' ? {} : parseJson(text);
  const { path: inner, ...members } = { ...membersOf(queryStringParameters), ...membersOf(sent) };
  return { path: String(inner ?? rawPath ?? path ?? ''), members };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('bad_request', `the body is no JSON: ${String(cause)}`, { cause });
  }
}

function decode(body: string, isBase64: boolean): string {
  return isBase64 ? Buffer.from(body, 'base64').toString() : body;
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function toHttpAnswer(statusCode: number, value: unknown) {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
