import { AppError, toAppError } from '../core/errors.ts';
import { createIdSource } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { connectionLimit } from './connections.ts';
import { createCors } from './cors.ts';
import { Exchange, type Outcome } from './exchange.ts';
import { checkFraming } from './framing.ts';
import { problemAnswer } from './problem.ts';
import { createRouter, type Match, type Route } from './route.ts';
import type { Listening, Transport, Wire, WireEvents } from './transport.ts';
import { listenOnNode } from './transports/node.ts';
import { createUwsTransport } from './transports/uws.ts';

export interface HttpOptions {
  /** auto: uws, or node where uws cannot be loaded. */
  readonly transport: 'auto' | 'uws' | 'node';
  readonly host: string;
  readonly port: number;
  readonly routes: readonly Route[];
  /** Web origins whose pages may call; `*`: all. */
  readonly allowOrigins?: readonly string[];
  readonly log: Log;
  /** Of a proxy whose X-Forwarded-Proto and -Host count. */
  readonly isProxy?: (peer: string) => boolean;
  /** Told once per request, for metrics. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

export interface HttpServer extends Listening {
  /** Requests whose handler runs or whose answer is not out yet. */
  readonly activeExchanges: number;
  /** Resolves when no exchange is active, or when the signal aborts; goes on accepting. */
  idle(signal: AbortSignal): Promise<void>;
  /** Stops accepting; resolves when no exchange is active any more, or when the signal aborts. */
  drain(signal: AbortSignal): Promise<void>;
  /** Answers those whose bytes are still coming. */
  refuseUnfinished(error: AppError): void;
}

/** Asked for every few seconds by machines: not worth a line each. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);

/** Listens, and hands every request to its route. Error: what listening failed with, or that `uws` cannot be loaded. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { log, host, port } = options;
  const newId = createIdSource();
  const findRoute = createRouter(options.routes);
  const cors = createCors(options.allowOrigins ?? []);
  const active = new Set<Exchange>();
  const idle = new Set<() => void>();

  /** The access log: one line per request. */
  function onOutcome(outcome: Outcome): void {
    const { id, path, bytesIn, ...rest } = outcome;
    const line = { request_id: id, path, ...rest, ms: Math.round(outcome.ms * 10) / 10, bytes_in: bytesIn };
    if (PROBES.has(path)) log.debug(line, 'request');
    else log.info(line, 'request');
    options.onOutcome?.(outcome);
  }

  function onRequest(wire: Wire): WireEvents {
    const exchange = new Exchange(wire, { newId, log, onOutcome, isProxy: options.isProxy });
    active.add(exchange);
    // A transport wants its events before anything is answered.
    queueMicrotask(async () => {
      await run(exchange, checkFraming(wire));
      active.delete(exchange);
      if (active.size === 0) for (const resolve of idle) resolve();
    });
    return exchange.events;
  }

  async function run(exchange: Exchange, refusal: AppError | undefined): Promise<void> {
    try {
      if (refusal) {
        exchange.setHeader('connection', 'close');
        throw refusal;
      }
      if (!cors(exchange)) await dispatch(exchange, findRoute(exchange.method, exchange.path));
    } catch (error) {
      answerError(exchange, error, log);
    }
    await exchange.over;
  }

  const listening = await pickTransport(options)({
    host,
    port,
    maxConnections: connectionLimit(),
    onRequest,
    onRefused(error) {
      const id = newId();
      log.info({ request_id: id, code: error.code, detail: error.message }, 'refused');
      return problemAnswer(error, id);
    },
    onFault: (error) => log.error({ err: error }, 'the transport dropped a connection over a bug'),
  });

  async function untilIdle(signal: AbortSignal): Promise<void> {
    if (active.size === 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    idle.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }

  return {
    ...listening,
    idle: untilIdle,
    async drain(signal) {
      listening.stopAccepting();
      await untilIdle(signal);
    },
    refuseUnfinished(error) {
      for (const exchange of active) {
        if (!exchange.isAnswered && exchange.hasBody && !exchange.body.isEnded) exchange.replyProblem(error);
      }
    },
    get activeExchanges() {
      return active.size;
    },
  };
}

/** One log line says why, wherever it is not the one that was asked for. */
function pickTransport({ transport, log }: HttpOptions): Transport {
  if (transport === 'node') return listenOnNode;
  const uws = createUwsTransport();
  const problem = uws.ok ? uws.caution : uws.reason;
  if (uws.ok && (transport === 'uws' || problem === undefined)) {
    if (problem !== undefined) log.warn(`serving by uWebSockets.js, though ${problem}`);
    return uws.transport;
  }
  if (transport === 'uws') throw new Error(`--transport uws: ${problem}`);
  log.warn(`serving by node:http, not by uWebSockets.js: ${problem}`);
  return listenOnNode;
}

async function dispatch(exchange: Exchange, match: Match): Promise<void> {
  if (match.kind === 'unknown_path')
    throw new AppError('not_found', `there is nothing at ${exchange.path.slice(0, 256)}`);
  if (match.kind === 'other_methods') {
    exchange.setHeader('allow', match.allow.join(', '));
    throw new AppError('method_not_allowed', `${exchange.path.slice(0, 256)} takes ${match.allow.join(', ')}`);
  }
  await match.route.handle(exchange, match.params);
  if (!exchange.isAnswered && !exchange.signal.aborted) throw new Error('a route did not answer');
}

/** What a handler throws becomes its answer; what is nobody's business stays in the log. */
function answerError(exchange: Exchange, thrown: unknown, log: Log): void {
  const error = toAppError(thrown);
  const isLate = exchange.isAnswered || exchange.signal.aborted;
  if (error.code === 'internal') log.error({ err: error.cause ?? error, request_id: exchange.id }, 'a request failed');
  else if (isLate && error.code !== 'client_gone')
    log.debug({ err: error, request_id: exchange.id }, 'a request failed after its answer');
  if (!isLate) exchange.replyProblem(error);
}
