import type { HttpResponse } from 'uWebSockets.js';
import { addressText } from '../../shared/net/address.ts';

/**
 * Who is at the other end of a connection. Asking the kernel costs a system call for each request, about a twentieth of
 * the whole exchange. It is spared as long as every connection of the thread has come from one address, as behind a load
 * balancer: then there is nothing to tell apart.
 */
export class PeerAddresses {
  #open = 0;
  /** The address of all open connections; '' when there are none or they differ. */
  #only = '';

  /** @param res of a connection that was just handed over */
  onOpened(res: HttpResponse): void {
    const address = addressText(res.getRemoteAddress());
    if (this.#open === 0) this.#only = address;
    else if (this.#only !== address) this.#only = ''; // until all are gone, as which one closes is not told
    this.#open++;
  }

  onClosed(): void {
    this.#open--;
  }

  /** Canonical text; '' for a connection that is gone. */
  of(res: HttpResponse): string {
    return this.#only === '' ? addressText(res.getRemoteAddress()) : this.#only;
  }
}
