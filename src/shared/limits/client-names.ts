import { canonicalAddress } from '../net/address.ts';
import { consumerClient, hashedClient, isConsumerClient, plainClient } from './client-key.ts';
import type { ClientKeySource } from './client-key.ts';
import { bearerToken } from './credentials.ts';
import { IpClients } from './ip-client.ts';

/** A name as client-key.ts makes it from a header's value, and the hash of one. */
const NAME = /^(?:[A-Za-z0-9\-._~@]|%[0-9A-F]{2})+$/;
const HASH = /^[0-9a-f]{32}$/;
const LONGEST_NAME = 128;

/** What turns a request into the name of its client. */
export interface NamingRules {
  readonly key: readonly ClientKeySource[];
  readonly ipv6Prefix: number;
}

/** What a person may have meant by a text. */
export interface MeantClients {
  /** Names to look for, in this order: the text itself, then what it becomes as an address or as a header's value. */
  readonly names: readonly string[];
  /** The name for a client nothing is known of; `undefined` = no request could have such a client. */
  readonly fresh: string | undefined;
  /** The text is an address, and this is how it is written. */
  readonly address: string | undefined;
}

/** Reads a bucket's name, an IP address, or what names clients: a header's value, a token, or `user:password`. */
export function meantClients(text: string, { key, ipv6Prefix }: NamingRules): MeantClients {
  const address = canonicalAddress(text);
  const ips = new IpClients(ipv6Prefix);
  const sources = key.filter((source) => source.kind !== 'ip' && source.kind !== 'consumer');
  const namesConsumers = key[0]?.kind === 'consumer';
  const hash = hashedClient(sources[0]?.kind === 'bearer' ? bearerToken(text) || text : text);
  const isNetwork = networkName(text, ips);
  const names = new Set<string>();
  if (namesConsumers && text !== '') names.add(isConsumerClient(text) ? text : consumerClient(text));
  if (isNetwork || (text.length <= LONGEST_NAME && NAME.test(text))) names.add(text);
  if (address !== undefined) names.add(ips.nameOf(address));
  if (text !== '' && sources.length > 0) names.add(plainClient(text)).add(hash);
  return { names: [...names], fresh: freshName(), address };

  function freshName(): string | undefined {
    if (address !== undefined) return ips.nameOf(address);
    if (isNetwork || text === 'unknown') return text;
    if (namesConsumers && text !== '') return isConsumerClient(text) ? text : consumerClient(text);
    const [first] = sources;
    if (first === undefined || text === '') return undefined;
    if (first.kind === 'header' && first.plain) return plainClient(text);
    return HASH.test(text) ? text : hash;
  }
}

/** Whether it is the name of an IPv6 network, such as `2001:db8::/64`. */
function networkName(text: string, ips: IpClients): boolean {
  const slash = text.indexOf('/');
  const address = slash === -1 ? undefined : canonicalAddress(text.slice(0, slash));
  return address !== undefined && ips.nameOf(address) === text;
}
