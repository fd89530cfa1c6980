import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address and how many of its first bits count. */
export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** A CIDR, or an address as a network of its own; undefined: neither. IPv4 mapped into IPv6 is IPv4. */
export function readNetwork(text: string): Network | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (isIP(text) === 0) return undefined;
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** False for what is no address, too. */
export function isWithin(text: string, networks: readonly Network[]): boolean {
  if (isIP(text) === 0) return false;
  const address = ipaddr.process(text);
  return networks.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
}
