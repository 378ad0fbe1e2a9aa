import type { Config } from '../../shared/config/types.ts';
import { Allowlist } from '../../shared/limits/allowlist.ts';
import { isConsumerClient } from '../../shared/limits/client-key.ts';
import { CUSTOMER_PREFIX_BITS, IpClients } from '../../shared/limits/ip-client.ts';
import { TrustedProxies } from '../../shared/net/trusted-proxies.ts';
import type { FairClients } from './upstream/fair-line.ts';

/** Who counts as one client where connections are shared, whatever names the clients of the rate limits. */
export class SharingClients implements FairClients {
  fair = true;
  readonly #addresses = new IpClients(CUSTOMER_PREFIX_BITS);
  #trusted = new TrustedProxies([]);
  #allowlist = new Allowlist({ cidrs: [], keys: [] });

  constructor(config: Config) {
    this.apply(config);
  }

  /** Takes over what a reload has changed; who is counted already stays as it is until it has gone. */
  apply({ server, limits }: Config): void {
    this.fair = server.maxInFlightPerClient !== 'off';
    this.#trusted = new TrustedProxies(server.trustedProxies);
    this.#allowlist = new Allowlist(limits.allowlist);
  }

  /** Somebody who is known by a key from the allow-list is not counted with others behind the same address. */
  nameOf(address: string, limitClient: string): string {
    if (isConsumerClient(limitClient)) return limitClient;
    return limitClient !== '' && this.#allowlist.names(limitClient)
      ? `=${limitClient}`
      : this.#addresses.nameOf(address);
  }

  isExempt(address: string, limitClient: string): boolean {
    return this.#trusted.isTrusted(address) || this.#allowlist.has(address, limitClient);
  }
}
