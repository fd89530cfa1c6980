import { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import type { Body } from './body.ts';
import { judge, type Outcome } from './outcome.ts';
import { type Ending, type Profile, pacedSlices } from './pace.ts';
import type { Random } from './random.ts';

/** One upload by one client, whichever way it is sent. */
export interface UploadOptions {
  /** `http://host:port`, without a path. */
  readonly origin: string;
  readonly body: Body;
  readonly profile: Profile;
  readonly ending?: Ending;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** One connection per running request, kept alive between them; time limits are the caller's signal alone. */
export function createDispatcher(connections: number): Agent {
  return new Agent({ connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 60_000 } });
}

/** `POST /file` by undici, with a declared length. A body that ends early makes undici drop the connection. */
export async function uploadByUndici(dispatcher: Dispatcher, options: UploadOptions): Promise<Outcome> {
  const { origin, body } = options;
  // Of its own: to leave a signal that thousands listen to takes each of them a walk past all the others.
  const signal = AbortSignal.any([options.signal]);
  const start = performance.now();
  let bytesSent = 0;
  const counted = async function* () {
    for await (const slice of pacedSlices({ ...options, signal, ending: options.ending ?? { kind: 'complete' } })) {
      yield slice;
      bytesSent += slice.length;
    }
  };
  try {
    const answer = await request(`${origin}/file`, {
      dispatcher,
      method: 'POST',
      headers: { 'content-length': String(body.length), 'content-type': 'application/octet-stream' },
      body: Readable.from(counted()),
      signal,
    });
    const retryAfter = answer.headers['retry-after'];
    const text = await answer.body.text();
    const seen = { status: answer.statusCode, text, retryAfter: retryAfter?.toString() };
    return { ms: performance.now() - start, bytesSent, ...judge(body, seen) };
  } catch (error) {
    return { status: 0, ms: performance.now() - start, bytesSent, bytesLost: 0, reason: endOf(error, options) };
  }
}

/** Why there was no answer: the client's own doing, or what it met. */
export function endOf(error: unknown, { ending, signal }: UploadOptions): string {
  if (signal.aborted) return 'given up by the client';
  return ending?.kind === 'cut' ? 'cut by the client' : causeOf(error);
}

/** The system's or undici's code, else the message. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code ?? (error.message || error.name);
}
