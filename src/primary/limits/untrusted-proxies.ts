import { TrustedProxies } from '../../shared/net/trusted-proxies.ts';

/** So many are remembered: there are hardly two. */
const MOST = 16;

const warning = (address: string): string =>
  `most requests of a thread come from ${address} with X-Forwarded-For for many clients, and it is not trusted: they all ` +
  `count as one client. If it is a proxy of yours, set TRUSTED_PROXIES=${address} (or its network)`;

/** Addresses that look like proxies which TRUSTED_PROXIES forgot. */
export class UntrustedProxies {
  readonly #say: (text: string, address: string) => void;
  readonly #addresses = new Set<string>();
  #trusted: TrustedProxies;

  /** @param say called once for each */
  constructor(trusted: readonly string[], say: (text: string, address: string) => void) {
    this.#trusted = new TrustedProxies(trusted);
    this.#say = say;
  }

  /** Those that are trusted now are no concern any more. */
  configure(trusted: readonly string[]): void {
    this.#trusted = new TrustedProxies(trusted);
    for (const address of this.#addresses) if (this.#trusted.isTrusted(address)) this.#addresses.delete(address);
  }

  /** A thread has seen one. */
  receive(address: string): void {
    if (this.#addresses.has(address) || this.#addresses.size >= MOST || this.#trusted.isTrusted(address)) return;
    this.#addresses.add(address);
    this.#say(warning(address), address);
  }

  /** For people; empty = none was seen. */
  get warnings(): readonly string[] {
    return [...this.#addresses].map(warning);
  }
}
