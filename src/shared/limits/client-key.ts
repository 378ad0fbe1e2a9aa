import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { IpClients } from './ip-client.ts';

/** Where a client's name comes from: one entry of `RATE_LIMIT_KEY`. */
export type ClientKeySource =
  | { readonly kind: 'ip' }
  /** `plain`: the value itself (device ids); otherwise its hash, so that Redis never holds an API key. */
  | { readonly kind: 'header'; readonly name: string; readonly plain: boolean };

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/; // RFC 9110, lower-cased
const LONGEST_PLAIN = 64;
const MAX_CACHED = 4_096;
const LONGEST_CACHED = 256;

/**
 * Reads `ip`, `header:NAME`, `header-plain:NAME` or a comma-separated list of them: the first one that a request has.
 * Throws RangeError saying what is wrong.
 */
export function parseClientKey(text: string): readonly ClientKeySource[] {
  return text.split(',').map((item) => {
    const source = item.trim();
    if (source === 'ip') return { kind: 'ip' };
    const [, plain, name = ''] = /^header(-plain)?:(.*)$/.exec(source) ?? [];
    const lower = name.toLowerCase();
    if (!TOKEN.test(lower)) {
      throw new RangeError(`${JSON.stringify(source)}: expected ip, header:NAME or header-plain:NAME`);
    }
    return { kind: 'header', name: lower, plain: plain !== undefined };
  });
}

/** What of a request can name its client. */
export interface Identifiable {
  /** Canonical text of the client's address. */
  readonly clientAddress: string;
  /** Value of a field by its lower-case name; '' or undefined when the request has none. */
  header(name: string): string | undefined;
}

/** Names the client of each request. A request that has none of the headers asked for is named by its address. */
export class ClientKeys {
  readonly #sources: readonly ClientKeySource[];
  readonly #ips: IpClients;
  readonly #hashes = new Map<string, string>();

  constructor(sources: readonly ClientKeySource[], ips: IpClients) {
    this.#sources = sources;
    this.#ips = ips;
  }

  nameOf(request: Identifiable): string {
    for (const source of this.#sources) {
      if (source.kind === 'ip') break;
      const value = request.header(source.name);
      if (value !== undefined && value !== '') return source.plain ? plainClient(value) : this.#hashed(value);
    }
    return this.nameOfAddress(request.clientAddress);
  }

  /** The name of a client that is named by its address. */
  nameOfAddress(address: string): string {
    return this.#ips.nameOf(address);
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

const percent = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;

const SAFE = new Uint8Array(256);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@') SAFE[char.charCodeAt(0)] = 1;
