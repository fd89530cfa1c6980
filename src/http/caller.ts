import { createHash, timingSafeEqual } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { AppError } from '../core/errors.ts';
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

/** Tells the proxies whose X-Forwarded headers are believed. Error: one that is neither an address nor a CIDR. */
export function createProxyTrust(trustedProxies: readonly string[]): (address: string) => boolean {
  const proxies = trustedProxies.map(parseNetwork);
  return (address) => proxies.length > 0 && ipaddr.isValid(address) && isTrusted(address, proxies);
}

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Names the caller of a request, the same for all its calls. Error: `unauthorized` when a key is asked for and missing or wrong. */
export function createCallerNames(options: CallerOptions): (exchange: Exchange) => Caller {
  const proxies = options.trustedProxies.map(parseNetwork);
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

/** A wrong setting stops the start: the message names it. */
function parseNetwork(text: string): Network {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (error) {
    throw new Error(`--trusted-proxies: ${text} is neither an address nor a CIDR`, { cause: error });
  }
}

/** The last address of X-Forwarded-For that is no trusted proxy; every client can forge what stands before it. */
function clientAddress(exchange: Exchange, proxies: readonly Network[]): string {
  const path = [...exchange.headers('x-forwarded-for').join(',').split(','), exchange.peer].map((part) => part.trim());
  let nearest = exchange.peer;
  for (const address of path.reverse()) {
    if (!ipaddr.isValid(address)) return nearest;
    nearest = address;
    if (!isTrusted(address, proxies)) return nearest;
  }
  return nearest;
}

function isTrusted(text: string, proxies: readonly Network[]): boolean {
  const address = ipaddr.process(text);
  return proxies.some((network) => address.kind() === network[0].kind() && address.match(network));
}
