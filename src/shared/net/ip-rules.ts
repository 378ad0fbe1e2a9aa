import type { IpListConfig } from '../config/rules/types.ts';
import { TrustedProxies } from './trusted-proxies.ts';

/** Who may ask at all, ready to be looked up. */
export class IpRules {
  readonly #denied: TrustedProxies;
  /** Each must have the client. */
  readonly #allowed: readonly TrustedProxies[];

  constructor(lists: readonly IpListConfig[]) {
    this.#denied = new TrustedProxies(lists.flatMap(({ deny }) => deny));
    this.#allowed = lists.filter(({ allow }) => allow.length > 0).map(({ allow }) => new TrustedProxies(allow));
  }

  /** @param address of the client, as far as it can be believed */
  takes(address: string): boolean {
    if (this.#denied.isTrusted(address)) return false;
    for (const allowed of this.#allowed) if (!allowed.isTrusted(address)) return false;
    return true;
  }
}
