import { PenstockError, toPenstockError } from './error.ts';
import { createPatience, isPassing, type Patience, type RetryNotice } from './patience.ts';

/** Answers to small requests come at once; a connection that is silent for longer is dead. */
const ANSWER_LIMIT_MS = 60_000;

export interface RequesterOptions {
  /** Where the server is, as in `http://127.0.0.1:8000`; a path in front of its routes is kept. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** Further tries of what failed for a reason that may pass; default 8, which takes half a minute. */
  readonly retries?: number | undefined;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Blob | Uint8Array<ArrayBuffer> | string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Until the answer's headers are there. */
  readonly limitMs?: number;
  /** After the signal's abort a request under way is given so long to be answered, where its answer is needed to undo it. */
  readonly abortGraceMs?: number;
}

export interface Requester {
  /** Tries until there is a good answer. Errors: PenstockError, the signal's reason. */
  send(path: string, options?: RequestOptions): Promise<Response>;
  /** Tries once. */
  sendOnce(path: string, options?: RequestOptions): Promise<Response>;
  /** The same, and its body as JSON. */
  json<T>(path: string, options?: RequestOptions): Promise<T>;
  answer(path: string, options?: RequestOptions): Promise<{ readonly value: unknown; readonly headers: Headers }>;
  patience(signal: AbortSignal | undefined): Patience;
}

const DEFAULT_RETRIES = 8;

/** Speaks HTTP with one server. Every request may be repeated: callers see to it by their methods, offsets and keys. */
export function createRequester(options: RequesterOptions): Requester {
  const base = new URL(options.url.endsWith('/') ? options.url : `${options.url}/`);
  const { apiKey, onRetry, retries = DEFAULT_RETRIES } = options;
  // Called on the global object: browsers refuse it elsewhere.
  const doFetch = options.fetch ?? ((input: URL, init: RequestInit) => globalThis.fetch(input, init));

  async function sendOnce(path: string, request: RequestOptions = {}): Promise<Response> {
    const { method = 'GET', headers = {}, body, limitMs = ANSWER_LIMIT_MS } = request;
    request.signal?.throwIfAborted();
    const signal = delayed(request.signal, request.abortGraceMs);
    const url = new URL(path.replace(/^\//, ''), base);
    // The key is for this server alone, whatever a result links to.
    const key = apiKey !== undefined && url.origin === base.origin ? { 'x-api-key': apiKey } : undefined;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), limitMs);
    let response: Response;
    try {
      const signals = signal ? [signal, limit.signal] : [limit.signal];
      const init = { method, headers: { ...headers, ...key }, signal: AbortSignal.any(signals) };
      response = await doFetch(url, body === undefined ? init : { ...init, body });
    } catch (error) {
      signal?.throwIfAborted();
      const why = limit.signal.aborted ? `no answer within ${limitMs / 1000} s` : reasonOf(error);
      throw new PenstockError('unreachable', `${url.origin}: ${why}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    if (!response.ok) throw await toPenstockError(response);
    return response;
  }

  async function send(path: string, request: RequestOptions = {}): Promise<Response> {
    const tries = patience(request.signal);
    for (;;) {
      try {
        return await sendOnce(path, request);
      } catch (error) {
        if (!isPassing(error)) throw error;
        await tries.wait(error);
      }
    }
  }

  /** The body belongs to the try: one that breaks off in it is repeated, too. */
  async function answer(path: string, request: RequestOptions = {}): Promise<{ value: unknown; headers: Headers }> {
    const tries = patience(request.signal);
    for (;;) {
      const response = await send(path, request);
      try {
        return { value: await response.json(), headers: response.headers };
      } catch (error) {
        request.signal?.throwIfAborted();
        if (error instanceof SyntaxError)
          throw new PenstockError('bad_answer', `${response.url} did not answer JSON`, { status: response.status });
        await tries.wait(new PenstockError('unreachable', `${base.origin}: ${reasonOf(error)}`, { cause: error }));
      }
    }
  }

  async function json<T>(path: string, request?: RequestOptions): Promise<T> {
    return (await answer(path, request)).value as T;
  }

  function patience(signal: AbortSignal | undefined): Patience {
    return createPatience({ retries, onRetry, signal });
  }

  return { send, sendOnce, json, answer, patience };
}

function delayed(signal: AbortSignal | undefined, ms: number | undefined): AbortSignal | undefined {
  if (!signal || ms === undefined) return signal;
  const late = new AbortController();
  signal.addEventListener('abort', () => setTimeout(() => late.abort(signal.reason), ms), { once: true });
  return late.signal;
}

/** Fetch hides why it failed in the cause: `connect ECONNREFUSED 127.0.0.1:8000`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
