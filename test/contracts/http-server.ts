import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '../../src/core/errors.ts';
import { createLog } from '../../src/core/log.ts';
import type { Exchange, Outcome } from '../../src/http/exchange.ts';
import { type HttpServer, startHttp } from '../../src/http/http.ts';
import type { Route } from '../../src/http/route.ts';

export type TransportName = 'uws' | 'node';

/** A server with routes that show what reached them, and what became of each request. */
export interface TestServer {
  readonly http: HttpServer;
  readonly port: number;
  /** The x-request-id of every request whose handler ran. */
  readonly ran: string[];
  /** Waits for the request with that x-request-id to be over. */
  outcomeOf(id: string): Promise<Outcome>;
  /** Waits for the handler of that request to begin. */
  begunOf(id: string): Promise<Exchange>;
}

export async function startTestServer(transport: TransportName, port = 0): Promise<TestServer> {
  const ran: string[] = [];
  const outcomes = new Eventual<Outcome>();
  const begun = new Eventual<Exchange>();
  const note = (route: Route): Route => ({
    ...route,
    handle(exchange, params) {
      ran.push(exchange.id);
      begun.set(exchange.id, exchange);
      return route.handle(exchange, params);
    },
  });
  const http = await startHttp({
    transport,
    host: '127.0.0.1',
    port,
    log: createLog({ level: 'silent', format: 'json' }),
    routes: ROUTES.map(note),
    onOutcome: (outcome) => outcomes.set(outcome.id, outcome),
  });
  return { http, port: http.port, ran, outcomeOf: (id) => outcomes.get(id), begunOf: (id) => begun.get(id) };
}

/** Values by name, that can be waited for before they are there. */
class Eventual<T> {
  readonly #values = new Map<string, PromiseWithResolvers<T>>();

  set(name: string, value: T): void {
    this.#at(name).resolve(value);
  }

  get(name: string): Promise<T> {
    return this.#at(name).promise;
  }

  #at(name: string): PromiseWithResolvers<T> {
    const known = this.#values.get(name) ?? Promise.withResolvers<T>();
    this.#values.set(name, known);
    return known;
  }
}

/** Byte `i` is `i % 251`, as in what /bytes sends. */
export function pattern(bytes: number): Uint8Array {
  return Buffer.alloc(bytes, PERIOD);
}

const PERIOD = Uint8Array.from({ length: 251 }, (_, index) => index);
const PIECE = pattern(251 * 256);

async function* pieces(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= PIECE.byteLength) yield PIECE.subarray(0, Math.min(left, PIECE.byteLength));
}

/** Reads slowly, and tells the most that lay in the body meanwhile. */
async function readSlowly(exchange: Exchange): Promise<void> {
  let most = 0;
  const hash = createHash('sha256');
  for (;;) {
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    most = Math.max(most, exchange.body.bufferedBytes);
    const chunk = await exchange.body.next();
    if (!chunk) break;
    hash.update(chunk);
  }
  exchange.replyJson(200, { most, sha256: hash.digest('hex') });
}

async function digest(exchange: Exchange): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of exchange.body) hash.update(chunk);
  exchange.replyJson(200, { bytes: exchange.body.receivedBytes, sha256: hash.digest('hex') });
}

async function waitForLoss(exchange: Exchange): Promise<void> {
  await once(exchange.signal, 'abort');
  throw exchange.signal.reason;
}

const ROUTES: readonly Route[] = [
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => ({ method, path: '/digest', handle: digest })),
  { method: 'POST', path: '/slowly', handle: readSlowly },
  { method: 'GET', path: '/hello', handle: (exchange) => exchange.reply({ status: 200, body: 'hello' }) },
  { method: 'GET', path: '/nothing', handle: (exchange) => exchange.reply({ status: 204 }) },
  { method: 'GET', path: '/wait', handle: waitForLoss },
  { method: 'POST', path: '/untaken', handle: waitForLoss },
  {
    method: 'GET',
    path: '/bytes/{n}',
    handle: (exchange, { n }) => exchange.replyStream({ status: 200, length: Number(n) }, pieces(Number(n))),
  },
  {
    method: 'GET',
    path: '/chunks/{n}',
    handle: (exchange, { n }) => exchange.replyStream({ status: 200 }, pieces(Number(n))),
  },
  {
    method: 'POST',
    path: '/bytes/{n}',
    handle: (exchange, { n }) => exchange.replyStream({ status: 200, length: Number(n) }, pieces(Number(n))),
  },
  {
    method: 'POST',
    path: '/refuse',
    handle() {
      throw new AppError('queue_full', 'no slot is free', { retryAfterS: 1.2 });
    },
  },
  {
    method: 'POST',
    path: '/refuse-midway',
    async handle({ body }) {
      await body.next();
      throw new AppError('too_large', 'enough');
    },
  },
];
