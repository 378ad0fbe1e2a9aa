import { BlockList } from 'node:net';
import { canonicalAddress } from './address.ts';

const MAX_CACHED = 1024;
const MAPPED_BITS = 96;

/** The proxies whose X-Forwarded-For is believed. */
export class TrustedProxies {
  /** `true`: nobody is trusted. */
  readonly empty: boolean;
  // One list per family: in a shared one `::/0` would take every IPv4 address too.
  readonly #lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  /** Answers by address as given. Bounded by starting again: proxies are few, and strangers cost one check each. */
  readonly #answers = new Map<string, boolean>();

  /**
   * @param cidrs addresses or CIDR ranges; `::ffff:10.0.0.0/104` is the same as `10.0.0.0/8`
   * @throws RangeError for anything else
   */
  constructor(cidrs: readonly string[]) {
    this.empty = cidrs.length === 0;
    for (const cidr of cidrs) this.#add(cidr);
  }

  /** `false` for what is not an address. An IPv4-mapped IPv6 address is its IPv4 address. */
  isTrusted(ip: string): boolean {
    if (this.empty) return false;
    const known = this.#answers.get(ip);
    if (known !== undefined) return known;
    const address = canonicalAddress(ip);
    const family = familyOf(address);
    const trusted = address !== undefined && this.#lists[family].check(address, family);
    if (this.#answers.size >= MAX_CACHED) this.#answers.clear();
    this.#answers.set(ip, trusted);
    return trusted;
  }

  #add(cidr: string): void {
    const slash = cidr.indexOf('/');
    const text = slash === -1 ? cidr : cidr.slice(0, slash);
    const address = canonicalAddress(text);
    if (address === undefined) throw new RangeError(`not an IP address or CIDR range: ${JSON.stringify(cidr)}`);
    const family = familyOf(address);
    const width = family === 'ipv4' ? 32 : 128;
    const mapped = family === 'ipv4' && text.includes(':') ? MAPPED_BITS : 0;
    const bits = slash === -1 ? width : prefixBits(cidr.slice(slash + 1)) - mapped;
    if (!(bits >= 0 && bits <= width)) throw new RangeError(`not a CIDR range: ${JSON.stringify(cidr)}`);
    this.#lists[family].addSubnet(address, bits, family);
  }
}

function familyOf(address: string | undefined): 'ipv4' | 'ipv6' {
  return address?.includes(':') === true ? 'ipv6' : 'ipv4';
}

function prefixBits(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}
