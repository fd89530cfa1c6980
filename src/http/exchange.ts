import { createDeadline, raceSignal } from '../core/deadline.ts';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { BlobBytes } from '../storage/storage.ts';
import { Body } from './body.ts';
import { problemAnswer } from './problem.ts';
import { isBodiless, statusOf } from './status.ts';
import { splitTarget } from './target.ts';
import type { HeaderLine, Wire, WireEvents } from './transport.ts';

export interface Answer {
  readonly status: number;
  readonly headers?: readonly HeaderLine[];
  readonly body?: Uint8Array | string;
}

export interface StreamHead {
  readonly status: number;
  readonly headers?: readonly HeaderLine[];
  /** Bytes that will come; undefined: not known, sent chunked. */
  readonly length?: number | undefined;
}

/** What became of a request, told once, when its answer is out or its client gone. */
export interface Outcome {
  readonly id: string;
  /** One of a closed list: `OTHER` for what HTTP does not define. */
  readonly method: string;
  readonly path: string;
  /** 499 if the client was gone before there was an answer. */
  readonly status: number;
  readonly code: ErrorCode | undefined;
  readonly ms: number;
  readonly bytesIn: number;
}

export interface ExchangeOptions {
  readonly newId: () => string;
  readonly log: Log;
  readonly onOutcome: (outcome: Outcome) => void;
  /** The address is that of a proxy whose word counts; default: of none. */
  readonly isProxy?: ((peer: string) => boolean) | undefined;
}

/** A reader of an answer that takes nothing for so long holds a socket for no use. */
const READ_STALL_MS = 300_000;
/** What of a caller's request id is safe to log and to send back. */
const CALLERS_ID = /^[A-Za-z0-9._-]{1,64}$/;
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Line ends would let a value end its header; what is above ASCII means something else to every client. */
const UNSAFE_IN_HEADERS = /[^\t\x20-\x7e]/g;
/** As framing.ts lets through. */
const PLAIN_LENGTH = /^\d{1,15}$/;

/** One request and its one response, made safe: answered once, never after the client is gone, with a body that waits to be pulled. */
export class Exchange {
  /** The caller's x-request-id where it is well-formed, else a ULID; goes back with every answer. */
  readonly id: string;
  readonly method: string;
  /** As sent, without the query: still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly peer: string;
  /** `http://host:port` as the caller reached us, or the proxy that says so (X-Forwarded-Proto, X-Forwarded-Host). */
  readonly origin: string;
  /** Bytes as declared; undefined: not declared. */
  readonly contentLength: number | undefined;
  /** False where the headers already say that no body comes. */
  readonly hasBody: boolean;
  readonly body: Body;
  /** For the transport. */
  readonly events: WireEvents;
  /** Resolves when the answer is out, or the client gone. */
  readonly over: Promise<void>;

  readonly #wire: Wire;
  readonly #options: ExchangeOptions;
  readonly #startedAt = performance.now();
  readonly #gone = new AbortController();
  readonly #lateHeaders = new Map<string, string>();
  readonly #over = Promise.withResolvers<void>();
  #status: number | undefined;
  #code: ErrorCode | undefined;
  #isOver = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(wire: Wire, options: ExchangeOptions) {
    this.#wire = wire;
    this.#options = options;
    this.method = wire.method;
    this.peer = wire.peer;
    const { path, query } = splitTarget(wire.target);
    this.path = path;
    this.origin = this.#origin(options.isProxy?.(wire.peer) ?? false);
    this.query = new URLSearchParams(query);
    const sentId = this.header('x-request-id') ?? '';
    this.id = CALLERS_ID.test(sentId) ? sentId : options.newId();
    const length = this.header('content-length') ?? '';
    this.contentLength = PLAIN_LENGTH.test(length) ? Number(length) : undefined;
    this.hasBody =
      this.contentLength === undefined ? this.header('transfer-encoding') !== undefined : this.contentLength > 0;
    this.body = new Body(wire);
    this.over = this.#over.promise;
    this.events = {
      onChunk: (chunk, isLent) => this.body.push(chunk, isLent),
      onEnd: () => this.body.end(),
      onDrain: () => this.#drained?.resolve(),
      onSent: () => this.#finish(),
      onAbort: () => this.#loseClient(),
    };
  }

  #origin(isProxied: boolean): string {
    const forwarded = (name: string) => (isProxied ? this.header(name)?.split(',').at(-1)?.trim() : undefined);
    const scheme = forwarded('x-forwarded-proto')?.toLowerCase() === 'https' ? 'https' : 'http';
    return `${scheme}://${forwarded('x-forwarded-host') || this.header('host') || 'localhost'}`;
  }

  /** Aborts with `client_gone` when the client is gone before it was answered in full. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  get isAnswered(): boolean {
    return this.#status !== undefined;
  }

  /** The first line of that name, which is given in lower case. */
  header(name: string): string | undefined {
    return this.#wire.headers.find(([known]) => known === name)?.[1];
  }

  /** All lines of that name, in the order sent. */
  headers(name: string): string[] {
    return this.#wire.headers.filter(([known]) => known === name).map(([, value]) => value);
  }

  /** Adds a header to whatever the answer will be, an error too; a header of the answer itself wins. Name in lower case. */
  setHeader(name: string, value: string): void {
    this.#lateHeaders.set(name, value);
  }

  /** The whole answer at once. HEAD and statuses without a body leave the body out. */
  reply({ status, headers = [], body = '' }: Answer): void {
    if (!this.#begin(status)) return;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.#wire.head(status, this.#complete(headers), isBodiless(status) ? undefined : bytes.byteLength);
    this.#wire.end(bytes.byteLength > 0 && !isBodiless(status) ? bytes : undefined);
  }

  /** `value` as JSON; a Date becomes its ISO text. */
  replyJson(status: number, value: unknown, headers: readonly HeaderLine[] = []): void {
    this.reply({
      status,
      headers: [['content-type', 'application/json'], ...headers],
      body: `${JSON.stringify(value)}\n`,
    });
  }

  /** An error as problem+json. With `client_gone` nobody reads it: the connection is dropped instead. */
  replyProblem(error: AppError): void {
    if (!this.isAnswered) this.#code = error.code;
    if (error.code === 'client_gone') this.#wire.abort();
    else this.reply(problemAnswer(error, this.id));
  }

  /**
   * Sends as fast as the client reads; a client that is gone, or reads nothing for minutes, ends the iteration. Rejects when
   * the source fails, and then the connection is dropped, since a part of the answer is already out.
   */
  async replyStream(head: StreamHead, source: BlobBytes): Promise<void> {
    const iterator = source[Symbol.asyncIterator]();
    let isExhausted = false;
    try {
      if (!this.#begin(head.status)) return;
      this.#wire.head(head.status, this.#complete(head.headers ?? []), head.length);
      if (this.method !== 'HEAD') isExhausted = await this.#pump(iterator, source);
      this.#wire.end();
    } catch (error) {
      this.#code ??= error instanceof AppError ? error.code : 'internal';
      this.#wire.abort();
      throw error;
    } finally {
      // Not awaited: a generator that hangs in its own await would keep this from ending, too.
      if (!isExhausted)
        iterator
          .return?.()
          .catch((error: unknown) =>
            this.#options.log.warn({ err: error, request_id: this.id }, 'a source did not end'),
          );
    }
  }

  async #pump(iterator: AsyncIterator<Uint8Array>, source: BlobBytes): Promise<true> {
    for (;;) {
      this.signal.throwIfAborted();
      const item = await raceSignal(iterator.next(), this.signal);
      if (item.done) return true;
      const { value } = item;
      if (value.byteLength > 0 && !this.#wire.write(value, () => source.recycle?.(value))) await this.#untilDrained();
    }
  }

  async #untilDrained(): Promise<void> {
    const reason = new AppError('client_gone', 'the client stopped reading the answer');
    using deadline = createDeadline({ ms: READ_STALL_MS, parents: [this.signal], reason });
    this.#drained = Promise.withResolvers();
    await raceSignal(this.#drained.promise, deadline.signal);
  }

  /** False if there is nothing to answer any more. From here on the body is nobody's. */
  #begin(status: number): boolean {
    if (this.#status !== undefined) {
      this.#options.log.error({ request_id: this.id, status, sent: this.#status }, 'a second answer was not sent');
      return false;
    }
    if (this.#isOver) return false;
    this.#status = status;
    this.body.fail(new AppError('cancelled', 'the request was answered before its body was read to the end'));
    return true;
  }

  #complete(headers: readonly HeaderLine[]): HeaderLine[] {
    const late = new Map([...this.#lateHeaders, ['x-request-id', this.id]]);
    for (const [name] of headers) late.delete(name);
    return [...headers, ...late].map(([name, value]) => [name, value.replace(UNSAFE_IN_HEADERS, '?')]);
  }

  #loseClient(): void {
    const reason = new AppError('client_gone', 'the client closed the connection');
    this.#code ??= 'client_gone';
    this.#finish();
    this.body.fail(reason);
    this.#gone.abort(reason);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#over.resolve();
    this.#options.onOutcome({
      id: this.id,
      method: KNOWN_METHODS.has(this.method) ? this.method : 'OTHER',
      path: this.path,
      status: this.#status ?? statusOf('client_gone'),
      code: this.#code,
      ms: performance.now() - this.#startedAt,
      bytesIn: this.body.receivedBytes,
    });
  }
}
