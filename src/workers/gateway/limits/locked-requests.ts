import type { Waiter } from '../../../shared/limits/decision.ts';
import type { LimitLane } from './limit-lane.ts';

/** A request that is decided. */
export interface Asking {
  readonly lane: LimitLane;
  readonly client: string;
  readonly waiter: Waiter;
}

export interface LockedRequestsOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** Decides a request and tells its waiter, unless its buckets are still locked: then `false`. */
  readonly tryAgain: (asking: Asking) => boolean;
  /** Decides a request whose buckets stay locked, and tells its waiter. */
  readonly giveUp: (asking: Asking) => void;
}

/** A try may wait for the lock as long as the store lets it; between two the thread serves others. */
const LOOK_EVERY_MS = 20;
/** What a thread left locked when it was ended, the front frees much sooner. */
const PATIENCE_MS = 1_000;

/**
 * Requests whose buckets another thread held for longer than a decision may take. On a machine that is busy a thread is
 * suspended there for tens of milliseconds, and whatever were decided without the bucket would be beyond the limit.
 */
export class LockedRequests {
  readonly #options: LockedRequestsOptions;
  readonly #waiting: { readonly asking: Asking; readonly untilMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LockedRequestsOptions) {
    this.#options = options;
  }

  add(asking: Asking): void {
    this.#waiting.push({ asking, untilMs: this.#options.clock() + PATIENCE_MS });
    this.#timer ??= setTimeout(this.#look, LOOK_EVERY_MS);
  }

  /** Those that still wait are decided at once. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { asking } of this.#waiting.splice(0)) this.#options.giveUp(asking);
  }

  /** In the order in which they came, up to one that is still locked: that goes behind the others, which may not be. */
  readonly #look = (): void => {
    this.#timer = undefined;
    for (let one = this.#waiting.shift(); one !== undefined; one = this.#waiting.shift()) {
      if (this.#options.tryAgain(one.asking)) continue;
      if (this.#options.clock() < one.untilMs) {
        this.#waiting.push(one);
        break;
      }
      this.#options.giveUp(one.asking);
    }
    if (this.#waiting.length > 0) this.#timer ??= setTimeout(this.#look, LOOK_EVERY_MS);
  };
}
