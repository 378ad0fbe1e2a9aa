import type { AllowlistConfig } from '../config/types.ts';
import { TrustedProxies } from '../net/trusted-proxies.ts';
import { consumerClient, hashedClient, plainClient } from './client-key.ts';

/** Who is never limited. */
export class Allowlist {
  readonly #addresses: TrustedProxies;
  readonly #names = new Set<string>();

  constructor({ cidrs, keys }: AllowlistConfig) {
    this.#addresses = new TrustedProxies(cidrs);
    // An entry names a client by the value its header has, whichever way that becomes a name.
    for (const key of keys) this.#names.add(hashedClient(key)).add(plainClient(key)).add(consumerClient(key));
  }

  /** @param address canonical text of the client's address */
  has(address: string, client: string): boolean {
    if (!this.#addresses.empty && this.#addresses.isTrusted(address)) return true;
    return this.names(client);
  }

  /** Whether it is one of its keys that `client` comes from. */
  names(client: string): boolean {
    return this.#names.size > 0 && this.#names.has(client);
  }
}
