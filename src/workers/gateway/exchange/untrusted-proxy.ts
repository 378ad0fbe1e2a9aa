/** So many requests are looked at together. */
const WINDOW = 500;
/** Who names so many clients hands on for others; one client that always says the same does not. */
const NAMED_CLIENTS = 5;
const LONGEST_NAME = 200;

/**
 * Finds an address that is not trusted, brings most requests, and says with X-Forwarded-For that they are of many clients:
 * a proxy that TRUSTED_PROXIES forgot, whose clients all count as one. One counter a request; a comparison more for each
 * that has the field.
 */
export class UntrustedProxy {
  readonly #tell: (address: string) => void;
  #requests = 0;
  /** By majority vote (Boyer and Moore): who sent most of those that claim. */
  #address = '';
  #votes = 0;
  #claimed = 0;
  readonly #named = new Set<string>();

  /** @param tell called once per window in which there is one */
  constructor(tell: (address: string) => void) {
    this.#tell = tell;
  }

  /** Every request that is forwarded. @param forwardedFor what somebody who is not trusted said; `undefined` = nothing */
  saw(address: string, forwardedFor: string | undefined): void {
    if (forwardedFor !== undefined) this.#claim(address, forwardedFor);
    if (++this.#requests >= WINDOW) this.#judge();
  }

  #claim(address: string, forwardedFor: string): void {
    if (this.#votes === 0) {
      this.#address = address;
      this.#claimed = 0;
      this.#named.clear();
    }
    if (address !== this.#address) {
      this.#votes--;
      return;
    }
    this.#votes++;
    this.#claimed++;
    if (this.#named.size < NAMED_CLIENTS && forwardedFor.length <= LONGEST_NAME) this.#named.add(forwardedFor);
  }

  #judge(): void {
    const isProxy = this.#claimed > this.#requests / 2 && this.#named.size >= NAMED_CLIENTS;
    if (isProxy) this.#tell(this.#address);
    this.#requests = 0;
    this.#votes = 0;
    this.#claimed = 0;
    this.#named.clear();
  }
}
