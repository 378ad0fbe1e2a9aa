import { clientIdOf } from '../../../shared/breaker/client-id.ts';
import type { ClientId } from '../../../shared/breaker/client-table.ts';
import { CUSTOMER_PREFIX_BITS, IpClients } from '../../../shared/limits/ip-client.ts';

const MAX_CACHED = 4_096;

/** Names clients for the breaker, which meets them only while something fails. */
export class ClientIds {
  readonly #clients = new IpClients(CUSTOMER_PREFIX_BITS);
  readonly #known = new Map<string, ClientId>();

  /** @param address as far as it can be believed; never what an unverified field says */
  of(address: string): ClientId {
    let id = this.#known.get(address);
    if (id === undefined) {
      if (this.#known.size >= MAX_CACHED) this.#known.clear();
      this.#known.set(address, (id = clientIdOf(address, this.#clients)));
    }
    return id;
  }
}
