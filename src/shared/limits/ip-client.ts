import { addressText, canonicalAddress } from '../net/address.ts';

const MAX_CACHED = 4_096;

/** One customer owns a whole IPv6 network of this length (RFC 6177): who is one client whatever RATE_LIMIT_IPV6_PREFIX says. */
export const CUSTOMER_PREFIX_BITS = 64;

/**
 * Names clients by address: IPv4 as it is, IPv6 as the network its first bits name, such as `2001:db8:0:1::/64`,
 * because one customer owns a whole network. The prefix length is always there, so that no client's name is the
 * beginning of another bucket's key. An IPv4 client behind a translator is named by its IPv4 address: all of them share
 * one network.
 */
export class IpClients {
  readonly #prefixBits: number;
  readonly #names = new Map<string, string>();

  /** @param prefixBits 1 to 128, `RATE_LIMIT_IPV6_PREFIX`; throws RangeError otherwise */
  constructor(prefixBits: number) {
    if (!Number.isInteger(prefixBits) || prefixBits < 1 || prefixBits > 128) {
      throw new RangeError(`IPv6 prefix ${prefixBits}: expected 1 to 128`);
    }
    this.#prefixBits = prefixBits;
  }

  /** @param address as net/address.ts writes it; anything that is no address is one client, `unknown` */
  nameOf(address: string): string {
    if (!address.includes(':')) return address === '' ? 'unknown' : address;
    let name = this.#names.get(address);
    if (name === undefined) {
      name = this.#networkOf(address);
      if (this.#names.size >= MAX_CACHED) this.#names.clear();
      this.#names.set(address, name);
    }
    return name;
  }

  #networkOf(address: string): string {
    const canonical = canonicalAddress(address);
    if (canonical === undefined) return 'unknown';
    if (!canonical.includes(':')) return canonical; // IPv4-mapped
    const octets = octetsOf(canonical);
    const embedded = embeddedIPv4(octets);
    if (embedded !== undefined) return embedded;
    for (let bit = this.#prefixBits; bit < 128; bit++) {
      octets[bit >> 3] = (octets[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
    }
    return `${addressText(octets.buffer)}/${this.#prefixBits}`;
  }
}

/** 64:ff9b::/96 (RFC 6052), its forerunner ::ffff:0:0:0/96 (RFC 2765), and 64:ff9b:1::/48 for local use (RFC 8215). */
const WELL_KNOWN = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
const TRANSLATED = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];
const LOCAL_USE = [0, 0x64, 0xff, 0x9b, 0, 1];
/** Bits 64 to 71, which no IPv4 address goes through. */
const GAP = 8;

/** The IPv4 address in an IPv6 one that a translator made of it. */
function embeddedIPv4(octets: Uint8Array): string | undefined {
  const startsWith = (prefix: readonly number[]): boolean => prefix.every((octet, i) => octets[i] === octet);
  if (startsWith(WELL_KNOWN) || startsWith(TRANSLATED)) return octets.subarray(12).join('.');
  if (!startsWith(LOCAL_USE) || octets[GAP] !== 0) return undefined;
  // The prefix there has 48, 56, 64 or 96 bits; what follows the address is 0 (RFC 6052 2.2).
  const last = octets.findLastIndex((octet) => octet !== 0);
  if (last > 12) return octets.subarray(12).join('.');
  const start = last > 11 ? 8 : last > 10 ? 7 : 6;
  const address = [...octets.subarray(start, GAP), ...octets.subarray(GAP + 1)].slice(0, 4);
  return address.join('.');
}

/** The 16 bytes of a canonical IPv6 text: hex groups, at most one `::`. */
export function octetsOf(canonical: string): Uint8Array<ArrayBuffer> {
  const [head = '', tail = ''] = canonical.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number(`0x${group}`)));
  const before = groups(head);
  const after = groups(tail);
  const octets = new Uint8Array(16);
  const put = (group: number, value: number): void => {
    octets[2 * group] = value >> 8;
    octets[2 * group + 1] = value & 255;
  };
  for (const [i, value] of before.entries()) put(i, value);
  for (const [i, value] of after.entries()) put(8 - after.length + i, value);
  return octets;
}
