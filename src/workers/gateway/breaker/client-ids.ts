import { createHash } from 'node:crypto';
import { clientText } from '../../../shared/breaker/client-table.ts';
import type { ClientId } from '../../../shared/breaker/client-table.ts';
import { CUSTOMER_PREFIX_BITS, IpClients } from '../../../shared/limits/ip-client.ts';

const MAX_CACHED = 4_096;

/**
 * Names clients for the breaker, which meets them only while something fails. The hash is a cryptographic one: with a
 * weak one somebody who owns many addresses could look for one that passes for his neighbour's.
 */
export class ClientIds {
  readonly #clients = new IpClients(CUSTOMER_PREFIX_BITS);
  readonly #known = new Map<string, ClientId>();

  /** @param address as far as it can be believed; never what an unverified field says */
  of(address: string): ClientId {
    let id = this.#known.get(address);
    if (id === undefined) {
      if (this.#known.size >= MAX_CACHED) this.#known.clear();
      this.#known.set(address, (id = this.#make(address)));
    }
    return id;
  }

  #make(address: string): ClientId {
    const digest = createHash('sha256').update(this.#clients.nameOf(address)).digest();
    const low = digest.readInt32BE(0) || 1;
    const high = digest.readInt32BE(4);
    return { low, high, text: clientText(low, high) };
  }
}
