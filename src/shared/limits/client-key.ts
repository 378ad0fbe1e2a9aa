import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { credentialsOf, MALFORMED } from './credentials.ts';
import type { CredentialScheme } from './credentials.ts';
import type { IpClients } from './ip-client.ts';

/** Where a client's name comes from: one entry of `RATE_LIMIT_KEY`. */
export type ClientKeySource =
  | { readonly kind: 'ip' }
  /** Who the credential that was verified belongs to. */
  | { readonly kind: 'consumer' }
  /** The hash of the credentials of this scheme in Authorization. */
  | { readonly kind: CredentialScheme }
  /** `plain`: the value itself (device ids); otherwise its hash, so that Redis never holds an API key. */
  | { readonly kind: 'header'; readonly name: string; readonly plain: boolean };

/** What an entry may be. */
export const SOURCES = 'consumer, ip, bearer, basic, header:NAME or header-plain:NAME';

const AUTHORIZATION = 'authorization';
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/; // RFC 9110, lower-cased
const LONGEST_PLAIN = 64;
const MAX_CACHED = 4_096;
const LONGEST_CACHED = 256;

/**
 * Reads `consumer`, `ip`, `bearer`, `basic`, `header:NAME`, `header-plain:NAME` or a comma-separated list of them: the first one that
 * a request has.
 * Throws RangeError saying what is wrong.
 */
export function parseClientKey(text: string): readonly ClientKeySource[] {
  return text.split(',').map((item) => {
    const source = item.trim();
    if (source === 'consumer' || source === 'ip' || source === 'bearer' || source === 'basic') return { kind: source };
    const [, plain, name = ''] = /^header(-plain)?:(.*)$/.exec(source) ?? [];
    const lower = name.toLowerCase();
    if (!TOKEN.test(lower)) {
      throw new RangeError(`${JSON.stringify(source)}: expected ${SOURCES}`);
    }
    return { kind: 'header', name: lower, plain: plain !== undefined };
  });
}

/** Lower-case names of the fields whose values may name a client. */
export const identifyingFields = (sources: readonly ClientKeySource[]): ReadonlySet<string> =>
  new Set(
    sources.flatMap((source) => {
      if (source.kind === 'ip' || source.kind === 'consumer') return [];
      return [source.kind === 'header' ? source.name : AUTHORIZATION];
    }),
  );

/** What of a request can name its client. */
export interface Identifiable {
  /** Canonical text of the client's address. */
  readonly clientAddress: string;
  /** Value of a field by its lower-case name; '' or undefined when the request has none. */
  header(name: string): string | undefined;
}

const CONSUMER = 'consumer=';

/** The name of a consumer's buckets: no address, hash or value of a header is named so. */
export const consumerClient = (consumer: string): string => CONSUMER + plainClient(consumer);

/** Whether it is one that `consumerClient` gave. */
export const isConsumerClient = (client: string): boolean => client.startsWith(CONSUMER);

/** Names the client of each request. A request that has none of the headers asked for is named by its address. */
export class ClientKeys {
  /** Who has proved who he is is named so (`consumerClient`), whatever else the request has. */
  readonly namesConsumers: boolean;
  readonly #sources: readonly ClientKeySource[];
  readonly #ips: IpClients;
  readonly #hashes = new Map<string, string>();
  /** By scheme and field value; `undefined` and MALFORMED as credentialsOf has them. */
  readonly #credentials = {
    bearer: new Map<string, string | undefined>(),
    basic: new Map<string, string | undefined>(),
  };

  constructor(sources: readonly ClientKeySource[], ips: IpClients) {
    this.namesConsumers = sources[0]?.kind === 'consumer';
    this.#sources = sources;
    this.#ips = ips;
  }

  /** `undefined` = the credentials that should name it can be understood in two ways. */
  nameOf(request: Identifiable): string | undefined {
    for (const source of this.#sources) {
      if (source.kind === 'ip') break;
      if (source.kind === 'consumer') continue;
      const value = request.header(source.kind === 'header' ? source.name : AUTHORIZATION);
      if (value === undefined || value === '') continue;
      if (source.kind === 'header') return source.plain ? plainClient(value) : this.#hashed(value);
      const name = this.#nameOfCredentials(source.kind, value);
      if (name === MALFORMED) return undefined;
      if (name !== undefined) return name;
    }
    return this.nameOfAddress(request.clientAddress);
  }

  /** The name of a client that is named by its address. */
  nameOfAddress(address: string): string {
    return this.#ips.nameOf(address);
  }

  #nameOfCredentials(scheme: CredentialScheme, field: string): string | undefined {
    const known = this.#credentials[scheme];
    if (known.has(field)) return known.get(field);
    const credentials = credentialsOf(scheme, field);
    const name = credentials === undefined || credentials === MALFORMED ? credentials : hashedClient(credentials);
    if (known.size >= MAX_CACHED) known.clear();
    if (field.length <= LONGEST_CACHED) known.set(field, name);
    return name;
  }

  #hashed(value: string): string {
    let hash = this.#hashes.get(value);
    if (hash === undefined) {
      hash = hashedClient(value);
      if (this.#hashes.size >= MAX_CACHED) this.#hashes.clear();
      if (value.length <= LONGEST_CACHED) this.#hashes.set(value, hash);
    }
    return hash;
  }
}

/** The first 16 bytes of SHA-256 of the value's UTF-8, in hex. */
export const hashedClient = (value: string): string => createHash('sha256').update(value).digest('hex').slice(0, 32);

/**
 * A value as part of a Redis key: letters, digits and `-._~@` as they are, every other byte as %XX; a value that is
 * long, or that could be taken for an address or a hash of another client, never stays as it is. Two different values
 * never give the same name.
 */
export function plainClient(value: string): string {
  let name = '';
  for (const byte of Buffer.from(value)) {
    name += SAFE[byte] === 1 ? String.fromCharCode(byte) : percent(byte);
    if (name.length > LONGEST_PLAIN) return `%sha256-${hashedClient(value)}`;
  }
  const lookalike = isIP(name) !== 0 || /^[0-9a-f]{32}$/.test(name) || name === 'unknown';
  return lookalike ? percent(name.charCodeAt(0)) + name.slice(1) : name;
}

/** `%XX`. */
export const percent = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

const SAFE = new Uint8Array(256);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@') SAFE[char.charCodeAt(0)] = 1;
