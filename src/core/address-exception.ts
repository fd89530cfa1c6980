import { isIP } from 'node:net';

type Family = 'ipv4' | 'ipv6';

/** An inside address that may be reached all the same, as the operator writes it. */
export type AddressException =
  | { readonly kind: 'range'; readonly network: string; readonly bits: number; readonly family: Family }
  | { readonly kind: 'address'; readonly address: string; readonly family: Family }
  /** A name, or an address with a port; undefined: every port. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number | undefined };

const HOST = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[a-z0-9._-]+))(?::(?<port>\d{1,5}))?$/i;

/** undefined: it is neither a CIDR nor an address nor a host name, nor one of the last two with a port. */
export function readAddressException(entry: string): AddressException | undefined {
  if (isIP(entry) !== 0) return { kind: 'address', address: entry, family: familyOf(entry) };
  return entry.includes('/') ? readRange(entry) : readHost(entry);
}

function readRange(entry: string): AddressException | undefined {
  const [network = '', prefix = '', ...rest] = entry.split('/');
  if (isIP(network) === 0 || !/^\d{1,3}$/.test(prefix) || rest.length > 0) return undefined;
  const family = familyOf(network);
  const bits = Number(prefix);
  return bits <= (family === 'ipv6' ? 128 : 32) ? { kind: 'range', network, bits, family } : undefined;
}

function readHost(entry: string): AddressException | undefined {
  const { v6, name, port } = HOST.exec(entry)?.groups ?? {};
  const host = v6 === undefined || isIP(v6) === 6 ? (v6 ?? name) : undefined;
  return host === undefined ? undefined : { kind: 'host', host, port: port === undefined ? undefined : Number(port) };
}

function familyOf(address: string): Family {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
