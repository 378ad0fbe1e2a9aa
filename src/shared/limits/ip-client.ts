import { addressText, canonicalAddress } from '../net/address.ts';

const MAX_CACHED = 4_096;

/**
 * Names clients by address: IPv4 as it is, IPv6 as the network its first bits name, such as `2001:db8:0:1::/64`,
 * because one customer owns a whole network. The prefix length is always there, so that no client's name is the
 * beginning of another bucket's key.
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
    for (let bit = this.#prefixBits; bit < 128; bit++) {
      octets[bit >> 3] = (octets[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
    }
    return `${addressText(octets.buffer)}/${this.#prefixBits}`;
  }
}

/** The 16 bytes of a canonical IPv6 text: hex groups, at most one `::`. */
function octetsOf(canonical: string): Uint8Array<ArrayBuffer> {
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
