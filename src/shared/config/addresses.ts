import { isIP } from 'node:net';
import { canonicalAddress } from '../net/address.ts';
import type { Parsed } from './parsed.ts';

const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/** A DNS name; underscores pass, because container networks use them. */
export const isHostName = (text: string): boolean => text.length <= 253 && HOST_NAME.test(text);

/** The same with a dot at its end, or without: then it is whole, and no search list is tried (RFC 1034, section 3.1). */
export const isWholeOrHostName = (text: string): boolean => isHostName(withoutEndDot(text));

/** As the name stands in Host, SNI and certificates, which have no dot at the end (RFC 6066, section 3). */
export const withoutEndDot = (name: string): string => (name.endsWith('.') ? name.slice(0, -1) : name);

/** An address to listen on: IPv4, IPv6 without brackets, or a name. */
export function parseListenHost(text: string): Parsed<string> {
  // A name of digits and dots only is an address with a mistake in it.
  const ok = isIP(text) !== 0 || (isHostName(text) && !/^[\d.]+$/.test(text));
  return ok ? { ok: true, value: text } : { ok: false, expected: 'an IPv4 or IPv6 address or a host name' };
}

/** An address or a CIDR block, such as `10.0.0.0/8` or `::1`. */
export function parseNetwork(text: string): Parsed<string> {
  const [, address = '', bits] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const version = isIP(address);
  // An IPv4-mapped block is an IPv4 one: its first 96 bits are given.
  const isMapped = version === 6 && canonicalAddress(address)?.includes(':') === false;
  const ok =
    version !== 0 && Number(bits ?? 128) >= (isMapped ? 96 : 0) && Number(bits ?? 0) <= (version === 4 ? 32 : 128);
  return ok ? { ok: true, value: text } : { ok: false, expected: 'an address or CIDR block such as 10.0.0.0/8 or ::1' };
}

/** A DNS server as node:dns takes it, such as `127.0.0.1:5353`. */
export function parseDnsServer(text: string): Parsed<string> {
  const [, address = '', port] = /^([\d.]+):(\d{1,5})$/.exec(text) ?? [];
  const ok = isIP(address) === 4 && Number(port) >= 1 && Number(port) <= 65_535;
  return ok
    ? { ok: true, value: text }
    : { ok: false, expected: 'an IPv4 address with a port, such as 127.0.0.1:5353' };
}

/** A host a route answers to: a name, an IPv4 address, or `*.` before a name. No port. */
export function parseRouteHost(text: string): Parsed<string> {
  const name = withoutEndDot(text);
  const ok = isHostName(name.startsWith('*.') ? name.slice(2) : name);
  return ok
    ? { ok: true, value: name.toLowerCase() }
    : { ok: false, expected: 'a host name without port, such as api.example.com or *.example.com' };
}

/** A name for SNI and certificate checks. */
export const parseServerName = (text: string): Parsed<string> =>
  isWholeOrHostName(text) ? { ok: true, value: withoutEndDot(text) } : { ok: false, expected: 'a host name' };
