import type { IdentitiesConfig } from '../../../shared/config/identity/types.ts';
import { compileRule } from '../../../shared/limits/rule.ts';
import type { Lane } from '../../../shared/limits/rule.ts';
import type { DecidesAtOnce } from '../../../shared/limits/store.ts';

/** Credentials that nobody knows are still verified at this rate from an address beyond its budget: one of them may be good. */
const UNKNOWN_PER_SECOND = 2;
/** Addresses that a thread remembers to be beyond their budget. */
const MOST_ADDRESSES = 16_384;

export interface FailureBudgetOptions {
  /** Memory that all threads of the process share: guesses never cost Redis anything. */
  readonly buckets: DecidesAtOnce;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
}

/** How many wrong credentials may come from an address, on this node. */
export class FailureBudget {
  readonly #options: FailureBudgetOptions;
  readonly #failures: Lane;
  readonly #unknown: Lane;
  /** How long an empty bucket takes for its next token. */
  readonly #overMs: number;
  /** Until when; monotonic. */
  readonly #over = new Map<string, number>();

  constructor(config: IdentitiesConfig, options: FailureBudgetOptions) {
    const { failureCapacity: capacity, failureRefillPerSecond: refillPerSecond } = config;
    this.#options = options;
    this.#failures = { rules: [compileRule({ name: '', capacity, refillPerSecond })], cost: 1 };
    const rate = { capacity: UNKNOWN_PER_SECOND, refillPerSecond: UNKNOWN_PER_SECOND };
    this.#unknown = { rules: [compileRule({ name: 'unknown', ...rate })], cost: 1 };
    this.#overMs = 1_000 / refillPerSecond;
  }

  /** Milliseconds until the next wrong one is forgiven, where a credential that nobody knows is not to be verified; else 0. */
  refusedForMs(address: string): number {
    if (this.#over.size === 0) return 0;
    const leftMs = (this.#over.get(address) ?? 0) - this.#options.clock();
    if (leftMs <= 0) {
      this.#over.delete(address);
      return 0;
    }
    return this.#options.buckets.takeNow(bucketOf(address), this.#unknown, true) === false ? leftMs : 0;
  }

  /** A credential from there was verified and is wrong. */
  failed(address: string): void {
    if (this.#options.buckets.takeNow(bucketOf(address), this.#failures, true) !== false) return;
    if (this.#over.size >= MOST_ADDRESSES) this.#over.clear();
    this.#over.set(address, this.#options.clock() + this.#overMs);
  }
}

/** No client of the limits has such a name. */
const bucketOf = (address: string): string => `failures=${address}`;
