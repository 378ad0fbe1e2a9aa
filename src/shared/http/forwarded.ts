import { canonicalAddress } from '../net/address.ts';
import type { TrustedProxies } from '../net/trusted-proxies.ts';
import { trimBlanks } from './field.ts';
import { isValidHost } from './host.ts';

/** More hops than any real chain has; it bounds the work that a list of trusted addresses can ask for. */
const MAX_HOPS = 32;

export interface ClientChain {
  /** Address of the client as far as it can be believed. */
  readonly client: string;
  /** The X-Forwarded-For value for the upstream: the believed hops, then the peer. */
  readonly forwardedFor: string;
}

/**
 * Who the client is. X-Forwarded-For is read from the right, because each proxy adds its peer there and everything
 * to the left may be made up: as long as the hop that wrote an entry is trusted the entry is believed; the first
 * untrusted address is the client. What is no address ends the walk at the hop before it. Entries that were not
 * believed are not sent on; the others lose their port.
 *
 * @param remote canonical address of the connection's peer
 * @param xForwardedFor the field's value; several fields joined with a comma, in order
 */
export function clientChain(remote: string, xForwardedFor: string | undefined, trusted: TrustedProxies): ClientChain {
  let client = remote;
  let forwardedFor = remote;
  if (xForwardedFor === undefined || !trusted.isTrusted(remote)) return { client, forwardedFor };
  let end = xForwardedFor.length;
  for (let hops = 0; end >= 0 && hops < MAX_HOPS; hops++) {
    const comma = end === 0 ? -1 : xForwardedFor.lastIndexOf(',', end - 1);
    const entry = xForwardedFor.slice(comma + 1, end).trim();
    end = comma;
    // Empty list elements are ignored (RFC 9110 5.6.1.2).
    if (entry === '') continue;
    const hop = hopAddress(entry);
    if (hop === undefined) break;
    client = hop;
    forwardedFor = `${hop}, ${forwardedFor}`;
    if (!trusted.isTrusted(hop)) break;
  }
  return { client, forwardedFor };
}

/**
 * The scheme the client used, from an X-Forwarded-Proto that is to be believed: each proxy adds its own at the end, so
 * the first counts. `undefined` where that is none we know.
 */
export function forwardedScheme(value: string | undefined): 'http' | 'https' | undefined {
  const first = firstMember(value);
  if (first === 'https' || first === 'http') return first;
  switch (first.toLowerCase()) {
    case 'https':
    case 'wss': // some proxies name WebSockets so
      return 'https';
    case 'http':
    case 'ws':
      return 'http';
    default:
      return undefined;
  }
}

/** The host the client asked for, in the same way; `undefined` where it is malformed. */
export function forwardedHost(value: string | undefined): string | undefined {
  const first = firstMember(value);
  return isValidHost(first) ? first : undefined;
}

/** The first member of a list (RFC 9110 5.6.1), empty ones left out; '' where there is none. */
function firstMember(value: string | undefined): string {
  if (value === undefined || !value.includes(',')) return value ?? '';
  for (const member of value.split(',')) {
    const text = trimBlanks(member);
    if (text !== '') return text;
  }
  return '';
}

/** The address of one entry: `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5678`. */
export function hopAddress(entry: string): string | undefined {
  if (entry.startsWith('[')) {
    const close = entry.indexOf(']');
    if (close === -1 || !isPortOrEmpty(entry.slice(close + 1))) return undefined;
    const inside = entry.slice(1, close);
    return inside.includes(':') ? canonicalAddress(inside) : undefined;
  }
  const colon = entry.indexOf(':');
  if (colon === -1 || colon !== entry.lastIndexOf(':')) return canonicalAddress(entry);
  return isPortOrEmpty(entry.slice(colon)) ? canonicalAddress(entry.slice(0, colon)) : undefined;
}

function isPortOrEmpty(text: string): boolean {
  return text === '' || (/^:\d{1,5}$/.test(text) && Number(text.slice(1)) <= 65_535);
}
