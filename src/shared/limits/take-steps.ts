import { affordable, fillUp, refill } from './token-bucket.ts';
import type { Bucket, BucketLimit } from './token-bucket.ts';

/** What of a rule a decision needs. */
export interface BucketRule extends BucketLimit {
  readonly keySuffix: string;
}

/** What of a lane a decision needs. */
export interface BucketLane {
  readonly rules: readonly BucketRule[];
  readonly cost: number;
}

/** What is asked of the buckets of one client. */
export interface Asked {
  /** Requests; negative gives tokens back. */
  readonly units: number;
  /** Level of each rule's bucket as it is known from elsewhere; counts where the bucket is full here. */
  readonly seed?: readonly number[] | undefined;
}

/** The buckets of one client, as a decision reads and writes them; `index` is the rule's place in its lane. */
export interface Buckets {
  /** Reads a bucket into `into`; `false` when there is none. */
  load(index: number, keySuffix: string, into: Bucket): boolean;
  /** Writes the bucket that was loaded, or looked for, at `index` before. */
  save(index: number, keySuffix: string, bucket: Bucket): void;
}

export const emptyBucket = (): Bucket => ({ tokens: 0, updatedMs: 0, capacity: 0, refillPerSecond: 0, ceiling: 0 });

/** The steps of one decision, the same as in take-tokens.lua. */
export class TakeSteps {
  readonly #buckets: Buckets;
  /** One scratch bucket per rule of a lane, reused. */
  readonly #scratch: Bucket[] = [];
  readonly #changed: boolean[] = [];
  /** Tokens left per rule after the last `take`. */
  readonly left: number[] = [];

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
  }

  /** @returns how many of the units are granted: all rules are charged for them, or none is for the rest */
  take(lane: BucketLane, asked: Asked, nowMs: number): number {
    const { rules, cost } = lane;
    const { seed } = asked;
    let granted = asked.units;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as BucketRule;
      const bucket = (this.#scratch[i] ??= emptyBucket());
      if (!this.#buckets.load(i, rule.keySuffix, bucket)) fillUp(bucket, rule, nowMs);
      this.#changed[i] = bucket.capacity !== rule.capacity || bucket.refillPerSecond !== rule.refillPerSecond;
      refill(bucket, rule, nowMs);
      if (seed !== undefined && bucket.tokens >= rule.capacity) bucket.tokens = Math.min(bucket.tokens, seed[i] ?? 0);
      granted = affordable(bucket.tokens, cost, granted);
    }
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as BucketRule;
      const bucket = this.#scratch[i] as Bucket;
      bucket.tokens = Math.min(bucket.tokens - granted * cost, rule.capacity);
      this.left[i] = bucket.tokens;
      if (rule.capacity > 0 && (granted !== 0 || this.#changed[i] === true)) {
        this.#buckets.save(i, rule.keySuffix, bucket);
      }
    }
    return granted;
  }
}
