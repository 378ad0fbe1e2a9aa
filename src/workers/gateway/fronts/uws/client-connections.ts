import type { HttpResponse } from 'uWebSockets.js';
import { addressText } from '../../../../shared/net/address.ts';

/** Connections beyond the cap get a 503 with their first request; beyond this many times the cap they are not kept. */
const HARD_CAP_FACTOR = 2;

/**
 * The client connections of a thread. uWS tells when one comes and when one goes, but neither which one goes nor on which
 * one a request came; so what is known of a connection is known by its address.
 */
export class ClientConnections {
  open = 0;
  readonly #cap: () => number;
  /**
   * The address of all open connections; '' when there are none or they differ. Asking the kernel costs a system call
   * for each request, about a twentieth of the whole exchange. It is spared as long as every connection has come from one
   * address, as behind a load balancer: then there is nothing to tell apart.
   */
  #only = '';
  /** Where connections came from while there were too many: those are refused, and nobody else for their sake. */
  readonly #beyondCap = new Set<string>();

  /** @param cap most connections, asked anew each time */
  constructor(cap: () => number) {
    this.#cap = cap;
  }

  /** @param res of a connection that was just handed over */
  onOpened(res: HttpResponse): void {
    const address = addressText(res.getRemoteAddress());
    if (this.open === 0) this.#only = address;
    else if (this.#only !== address) this.#only = ''; // until all are gone, as which one closes is not told
    this.open++;
    if (this.open <= this.#cap()) return;
    this.#beyondCap.add(address);
    if (this.open > this.#cap() * HARD_CAP_FACTOR) res.close();
  }

  onClosed(): void {
    this.open--;
    if (this.#beyondCap.size > 0 && this.open <= this.#cap()) this.#beyondCap.clear();
  }

  /** Whether a request from this address must be refused, so that its connection goes. */
  isBeyondCap(address: string): boolean {
    return this.#beyondCap.size > 0 && this.#beyondCap.has(address);
  }

  /** Canonical text of the other end's address; '' for a connection that is gone. */
  addressOf(res: HttpResponse): string {
    return this.#only === '' ? addressText(res.getRemoteAddress()) : this.#only;
  }
}
