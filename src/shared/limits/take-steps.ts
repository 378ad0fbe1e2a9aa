import type { Charge } from './store.ts';
import { affordable, charge, fillUp, isFarAhead, refill, store } from './token-bucket.ts';
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
  /** Most that each rule's bucket may hold now, as it is known from elsewhere; a level below zero counts as none. */
  readonly seed?: readonly number[] | undefined;
  /** What is charged before anything is granted, one for each rule. */
  readonly charges?: readonly Charge[] | undefined;
  /** A client that has no bucket gets one also where there is no room, in place of another's. */
  readonly mayMake?: boolean | undefined;
}

/** The buckets of one client, as a decision reads and writes them; `index` is the rule's place in its lane. */
export interface Buckets {
  /** Reads a bucket into `into`; `false` when there is none. */
  load(index: number, keySuffix: string, into: Bucket): boolean;
  /** After all were loaded, for one that there is not: whether there is room for it. */
  hasRoom(index: number, keySuffix: string): boolean;
  /** Writes the bucket that was loaded, or looked for, at `index` before. */
  save(index: number, keySuffix: string, bucket: Bucket): void;
}

export const emptyBucket = (): Bucket => ({
  tokens: 0,
  updatedMs: 0,
  capacity: 0,
  refillPerSecond: 0,
  ceiling: 0,
  spilled: 0,
  spilledMs: 0,
});

/** The steps of one decision, the same as in take-tokens.lua. */
export class TakeSteps {
  readonly #buckets: Buckets;
  /** One scratch bucket per rule of a lane, reused. */
  readonly #scratch: Bucket[] = [];
  readonly #changed: boolean[] = [];
  readonly #isNew: boolean[] = [];
  /** Tokens left per rule after the last `take`. */
  readonly left: number[] = [];
  /** Tokens per rule that the last `take` was to charge and could not. */
  readonly unpaid: number[] = [];

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
  }

  /**
   * @returns how many of the units are granted: all rules are charged for them, or none is for the rest. `undefined` = the
   * client has none of these buckets, and there is no room for them: nothing was done
   */
  take(lane: BucketLane, asked: Asked, nowMs: number): number | undefined {
    const { rules, cost } = lane;
    const { seed, charges } = asked;
    let granted = asked.units;
    let isKnown = asked.mayMake === true;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as BucketRule;
      const bucket = (this.#scratch[i] ??= emptyBucket());
      const isNew = !this.#buckets.load(i, rule.keySuffix, bucket);
      this.#isNew[i] = isNew;
      if (isNew) fillUp(bucket, rule, nowMs);
      if (!isNew || rule.capacity === 0) isKnown = true;
      this.#changed[i] =
        bucket.capacity !== rule.capacity ||
        bucket.refillPerSecond !== rule.refillPerSecond ||
        isFarAhead(bucket, rule, nowMs);
      this.unpaid[i] = 0;
      const owed = charges?.[i];
      if (owed !== undefined && owed.tokens > 0 && rule.capacity > 0) {
        const debt = { tokens: owed.tokens, sinceMs: nowMs - owed.ageMs };
        if (isNew) bucket.updatedMs = Math.min(nowMs, debt.sinceMs); // it was full then
        this.unpaid[i] = charge(bucket, { limit: rule, debt }, nowMs);
        this.#changed[i] = true;
      } else refill(bucket, rule, nowMs);
      if (seed !== undefined) bucket.tokens = Math.min(bucket.tokens, Math.max(0, seed[i] ?? 0));
      granted = affordable(bucket.tokens, cost, granted);
    }
    if (!isKnown && !this.#isRoomFor(rules)) return undefined;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as BucketRule;
      const bucket = this.#scratch[i] as Bucket;
      bucket.tokens = Math.min(bucket.tokens - granted * cost, rule.capacity);
      this.left[i] = bucket.tokens;
      if (rule.capacity > 0 && (granted !== 0 || this.#changed[i] === true)) {
        store(bucket);
        this.#buckets.save(i, rule.keySuffix, bucket);
      }
    }
    return granted;
  }

  #isRoomFor(rules: readonly BucketRule[]): boolean {
    for (let i = 0; i < rules.length; i++) {
      if (this.#isNew[i] === true && !this.#buckets.hasRoom(i, (rules[i] as BucketRule).keySuffix)) return false;
    }
    return true;
  }
}
