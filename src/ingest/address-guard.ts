import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { readAddressException } from '../core/address-exception.ts';
import { AppError } from '../core/errors.ts';

export interface HostAddress {
  readonly address: string;
  readonly family: number;
}

export interface GuardOptions {
  /**
   * Inside addresses that may be reached all the same: CIDRs (`10.0.0.0/8`), addresses, host names, or any of the last
   * two with a port (`files.lan:8080`, `[::1]:8080`). Default: none.
   */
  readonly allow?: readonly string[];
  /** Every address of a host name; default: the system's resolver. */
  readonly resolve?: (hostname: string) => Promise<readonly HostAddress[]>;
}

/** Decides which addresses the server may connect to on someone else's word: URL fetches and webhooks. */
export interface AddressGuard {
  /**
   * The addresses behind a host name or IP literal, all of them checked: connect to these and no others, or a second
   * look-up may answer differently (DNS rebinding). Errors: `blocked_address`, and the resolver's own.
   */
  admit(hostname: string, port: number): Promise<readonly HostAddress[]>;
}

/** Throws an Error that names the entry when `allow` has one that it cannot read. */
export function createAddressGuard({ allow = [], resolve = resolveAll }: GuardOptions = {}): AddressGuard {
  const hosts = new Set<string>();
  const ranges = new BlockList();
  for (const entry of allow) addException(entry, hosts, ranges);

  const isAllowed = (address: string, port: number): boolean => {
    const target = unwrap(ipaddr.parse(address.replace(ZONE, '')));
    const text = target.toString();
    if (hosts.has(`${text} ${port}`) || ranges.check(text, target.kind())) return true;
    return isPublic(target) && !isOwnAddress(text);
  };

  return {
    async admit(hostname, port) {
      const host = hostKey(hostname);
      const family = isIP(host);
      const addresses = family === 0 ? await resolve(host) : [{ address: host, family }];
      const isNamed = hosts.has(host) || hosts.has(`${host} ${port}`);
      if (isNamed || addresses.every(({ address }) => isAllowed(address, port))) return addresses;
      throw new AppError(
        'blocked_address',
        `"${host}" is, or resolves to, an address inside the network; only public addresses and those on the server's allow-list may be reached`,
      );
    },
  };
}

/** True for an address that anybody on the internet could reach as well. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  // The one range() lacks: Azure's host agent hands out secrets at an address outside the private ranges.
  if (address instanceof ipaddr.IPv4) return address.toString() !== '168.63.129.16';
  // range() takes what it does not know for unicast (`::127.0.0.1`); IANA has given out 2000::/3 alone.
  return address.match(ipaddr.IPv6.parse('2000::'), 3);
}

/**
 * The IPv4 address that a packet to this one really goes to: IPv4-mapped (RFC 4291) and NAT64 (RFC 6052, which IPv6-only
 * hosts need to reach the IPv4 internet). The other embeddings (compatible, translated, 6to4, Teredo, local NAT64) are not
 * public under any circumstances, so that nothing has to be looked for in them.
 */
function unwrap(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.match(ipaddr.IPv6.parse('64:ff9b::'), 96)) return new ipaddr.IPv4(address.toByteArray().slice(12));
  return address;
}

/** A global IPv6 address of this machine passes every range check and still reaches what the firewall hides. */
function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === address));
}

function resolveAll(hostname: string): Promise<HostAddress[]> {
  return lookup(hostname, { all: true, order: 'verbatim' });
}

/** The interface that a link-local address belongs to (`fe80::1%eth0`). */
const ZONE = /%.*$/;

/** One spelling per host: `[::1]` and `0::1`, `LAN.` and `lan`. */
function hostKey(hostname: string): string {
  const host = hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  return isIP(host) === 0 ? host : ipaddr.parse(host).toString();
}

function addException(entry: string, hosts: Set<string>, ranges: BlockList): void {
  const exception = readAddressException(entry);
  if (!exception) throw new Error(`"${entry}" is not a CIDR, an address, a host name or one of these with a port`);
  switch (exception.kind) {
    case 'range':
      ranges.addSubnet(exception.network, exception.bits, exception.family);
      break;
    case 'address':
      ranges.addAddress(exception.address, exception.family);
      break;
    case 'host': {
      const { host, port } = exception;
      hosts.add(port === undefined ? hostKey(host) : `${hostKey(host)} ${port}`);
      break;
    }
    default:
      exception satisfies never;
  }
}
