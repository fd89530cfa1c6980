import type { LookupFunction } from 'node:net';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { createDeadline, raceSignal } from '../core/deadline.ts';
import { AppError } from '../core/errors.ts';
import type { AddressGuard, HostAddress } from './address-guard.ts';

export interface GuardedDispatcherOptions {
  readonly guard: AddressGuard;
  /** Look-up, TCP and TLS together. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** From the request sent to the answer's headers. Default 30,000. */
  readonly headersTimeoutMs?: number;
  /** Between two chunks of the answer's body. Default 30,000. */
  readonly idleTimeoutMs?: number;
  /** Told of a connection that breaks: undici takes a reset for the end of an answer that has no length. */
  readonly onBroken?: (error: Error) => void;
}

/**
 * A dispatcher for undici's `request` and `fetch` whose every connection passes the guard, first request and redirect alike.
 * A refused one rejects with `blocked_address` and no packet is sent. Owner closes it: `close()` or `destroy()`.
 */
export function createGuardedDispatcher(options: GuardedDispatcherOptions): Dispatcher {
  const { connectTimeoutMs = 10_000, headersTimeoutMs = 30_000, idleTimeoutMs = 30_000 } = options;
  return new Agent({
    connect: createConnector(options, connectTimeoutMs),
    headersTimeout: headersTimeoutMs,
    bodyTimeout: idleTimeoutMs,
    allowH2: false,
  });
}

/**
 * Checks IP literals and names alike before there is a socket: undici and net call `lookup` for names only
 * (https://github.com/gitroomhq/postiz-app/issues/1671). The socket then gets the checked addresses, not the name.
 */
function createConnector(
  { guard, onBroken }: Pick<GuardedDispatcherOptions, 'guard' | 'onBroken'>,
  timeoutMs: number,
): buildConnector.connector {
  return (target, callback) => {
    const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80);
    const fail = (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null);
    admitInTime({ guard, hostname: target.hostname, port, timeoutMs }).then((addresses) => {
      const connect = buildConnector({
        lookup: answerWith(addresses),
        timeout: timeoutMs,
        maxCachedSessions: 0,
        allowH2: false,
      });
      connect(target, (...[error, socket]) => {
        if (onBroken) socket?.once('error', onBroken);
        if (error) callback(error, null);
        else callback(null, socket);
      });
    }, fail);
  };
}

interface Admission {
  readonly guard: AddressGuard;
  readonly hostname: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** The system's resolver cannot be stopped; nobody has to wait for it, though. */
async function admitInTime({ guard, hostname, port, timeoutMs }: Admission): Promise<readonly HostAddress[]> {
  const reason = new AppError('bad_request', `the name "${hostname}" could not be resolved in time`);
  using deadline = createDeadline({ ms: timeoutMs, reason });
  return await raceSignal(guard.admit(hostname, port), deadline.signal);
}

/** A `lookup` for net.connect that knows one answer. */
function answerWith(addresses: readonly HostAddress[]): LookupFunction {
  return (hostname, { all }, callback) => {
    const [first] = addresses;
    if (first === undefined) callback(new Error(`no address for ${hostname}`), '', 0);
    else if (all) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}
