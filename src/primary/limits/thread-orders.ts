import type { ToLimitThread } from '../../shared/limits/messages.ts';
import type { ThreadOverride } from '../../shared/limits/overrides.ts';
import { Acknowledged } from '../threads/acknowledged.ts';

/** Tells all threads something and knows when they have done it. */
export class ThreadOrders {
  readonly #broadcast: (message: ToLimitThread) => number;
  readonly #orders = new Acknowledged();

  /** @param broadcast returns how many threads were told */
  constructor(broadcast: (message: ToLimitThread) => number) {
    this.#broadcast = broadcast;
  }

  /** Both resolve when every thread has done it, or patience is at its end. */
  forget(client: string): Promise<void> {
    return this.#orders.order((id) => this.#broadcast({ type: 'forget-client', client, id }));
  }

  override(overrides: readonly ThreadOverride[]): Promise<void> {
    return this.#orders.order((id) => this.#broadcast({ type: 'limit-overrides', overrides, id }));
  }

  /** A thread has done what was ordered under this number. */
  done(id: number): void {
    this.#orders.done(id);
  }
}
