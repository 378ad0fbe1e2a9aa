import type { ToLimitThread } from '../../shared/limits/messages.ts';
import type { ThreadOverride } from '../../shared/limits/overrides.ts';

/** Patience with a thread that is busy, stuck or only starting; it gets to it all the same. */
const DONE_WITHIN_MS = 250;

interface Open {
  left: number;
  readonly done: () => void;
}

/** Tells all threads something and knows when they have done it. */
export class ThreadOrders {
  readonly #broadcast: (message: ToLimitThread) => number;
  readonly #open = new Map<number, Open>();
  #nextId = 1;

  /** @param broadcast returns how many threads were told */
  constructor(broadcast: (message: ToLimitThread) => number) {
    this.#broadcast = broadcast;
  }

  /** Both resolve when every thread has done it, or patience is at its end. */
  forget(client: string): Promise<void> {
    return this.#order((id) => ({ type: 'forget-client', client, id }));
  }

  override(overrides: readonly ThreadOverride[]): Promise<void> {
    return this.#order((id) => ({ type: 'limit-overrides', overrides, id }));
  }

  /** A thread has done what was ordered under this number. */
  done(id: number): void {
    const open = this.#open.get(id);
    if (open !== undefined && --open.left === 0) open.done();
  }

  #order(message: (id: number) => ToLimitThread): Promise<void> {
    const id = this.#nextId++;
    const listeners = this.#broadcast(message(id));
    if (listeners === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve();
      };
      const timer = setTimeout(done, DONE_WITHIN_MS);
      this.#open.set(id, { left: listeners, done });
    });
  }
}
