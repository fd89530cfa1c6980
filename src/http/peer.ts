import ipaddr from 'ipaddr.js';

/** One spelling per address: IPv4-mapped IPv6 as IPv4, IPv6 shortened; `unknown` when the socket is already gone. */
export function peerAddress(text: string | undefined): string {
  return text !== undefined && ipaddr.isValid(text) ? ipaddr.process(text).toString() : 'unknown';
}
