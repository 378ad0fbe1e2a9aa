import { octetsOf } from '../limits/ip-client.ts';
import { addressText, canonicalAddress } from '../net/address.ts';
import type { Problem } from './problems.ts';
import type { Config } from './types.ts';

const IPV4_BITS = 32;
const MAPPED_BITS = 96;

/** The bits behind the prefix set to 0. */
function masked(octets: Uint8Array<ArrayBuffer>, bits: number): Uint8Array<ArrayBuffer> {
  const block = octets.slice();
  for (let bit = bits; bit < 8 * block.length; bit++) block[bit >> 3] = (block[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
  return block;
}

/**
 * What a CIDR block means that has bits set behind its prefix: `10.0.0.7/8` is all of `10.0.0.0/8`, where one address may
 * have been meant.
 * @param network one that parseNetwork takes
 * @returns `undefined` where it has none
 */
export function blockMeant(network: string): string | undefined {
  const [text = '', suffix] = network.split('/');
  const address = canonicalAddress(text);
  if (suffix === undefined || address === undefined) return undefined;
  const isIPv4 = !address.includes(':');
  const octets = isIPv4 ? Uint8Array.from(address.split('.'), Number) : octetsOf(address);
  const bits = Number(suffix) - (isIPv4 && text.includes(':') ? MAPPED_BITS : 0);
  const block = addressText(masked(octets, bits).buffer);
  if (block === addressText(octets.buffer)) return undefined;
  return `${block}/${isIPv4 ? Math.min(bits, IPV4_BITS) : bits}`;
}

/** Lists of addresses in the configuration, by the key that a person knows. */
function networkLists({ limits, routes, server }: Config): ReadonlyMap<string, readonly string[]> {
  const lists = new Map([
    ['TRUSTED_PROXIES', server.trustedProxies],
    ['RATE_LIMIT_ALLOWLIST', limits.allowlist.cidrs],
  ]);
  for (const { name, rules } of routes) {
    for (const { from, allow, deny } of rules?.ip ?? []) {
      lists.set(from === 'environment' ? 'IP_ALLOW' : `routes.${name}.ip.allow`, allow);
      lists.set(from === 'environment' ? 'IP_DENY' : `routes.${name}.ip.deny`, deny);
    }
  }
  return lists;
}

/** Blocks with bits behind their prefix. */
export const hostBits = (config: Config): readonly Problem[] =>
  [...networkLists(config)].flatMap(([key, networks]) =>
    networks.flatMap((network): readonly Problem[] => {
      const block = blockMeant(network);
      if (block === undefined) return [];
      const [address = ''] = network.split('/');
      return [
        { key, value: JSON.stringify(network), expected: `${block}, which is what it means, or ${address} alone` },
      ];
    }),
  );
