import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { AppError } from '../core/errors.ts';
import { isWithin, type Network, readNetwork } from '../core/network.ts';
import { keyCaller } from '../core/owner.ts';
import type { Exchange } from './exchange.ts';

export interface Caller {
  /** By the key where keys are asked for, else by the address. Owns, waits in turn, has its share. */
  readonly name: string;
  /** What the rate limit counts by. */
  readonly rateKey: string;
}

export interface CallerOptions {
  /** Accepted keys; none: everybody may call. */
  readonly apiKeys: readonly string[];
  readonly rateLimitKey: 'address' | 'api-key';
  /** Addresses and CIDRs of the proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
}

/** Tells the proxies whose X-Forwarded headers are believed. */
export function createProxyTrust(trustedProxies: readonly string[]): (address: string) => boolean {
  const proxies = readProxies(trustedProxies);
  return (address) => isWithin(address, proxies);
}

/** What is no network was refused with the settings. */
function readProxies(trustedProxies: readonly string[]): readonly Network[] {
  return trustedProxies.map(readNetwork).filter((network) => network !== undefined);
}

/** Names the caller of a request, the same for all its calls. Error: `unauthorized` when a key is asked for and missing or wrong. */
export function createCallerNames(options: CallerOptions): (exchange: Exchange) => Caller {
  const proxies = readProxies(options.trustedProxies);
  const keys = options.apiKeys.map(digest);

  return (exchange) => {
    const key = sentKey(exchange);
    if (keys.length > 0 && !(key !== undefined && keys.some((known) => timingSafeEqual(known, digest(key))))) {
      throw new AppError('unauthorized', 'send an API key: Authorization: Bearer KEY, or X-Api-Key: KEY');
    }
    const address = clientAddress(exchange, proxies);
    const name = key !== undefined && keys.length > 0 ? keyCaller(digest(key)) : address;
    return { name, rateKey: options.rateLimitKey === 'api-key' ? name : address };
  };
}

function sentKey(exchange: Exchange): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(exchange.header('authorization') ?? '');
  return bearer?.[1] ?? exchange.header('x-api-key');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The last address of X-Forwarded-For that is no trusted proxy; every client can forge what stands before it. */
function clientAddress(exchange: Exchange, proxies: readonly Network[]): string {
  const path = [...exchange.headers('x-forwarded-for').join(',').split(','), exchange.peer].map((part) => part.trim());
  let nearest = exchange.peer;
  for (const address of path.reverse()) {
    if (isIP(address) === 0) return nearest;
    nearest = address;
    if (!isWithin(address, proxies)) return nearest;
  }
  return nearest;
}
