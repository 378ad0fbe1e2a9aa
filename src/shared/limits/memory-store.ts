import { BucketTable } from './bucket-table.ts';
import type { CompiledRule } from './rule.ts';
import type { DeadlineMs, LimitStore, StoreSink, Want } from './store.ts';
import { affordable, type Bucket, fillUp, refill } from './token-bucket.ts';

export interface MemoryStoreOptions {
  /** Milliseconds, never backwards. */
  readonly clock: () => number;
  /** Most buckets kept; about 110 bytes each with short keys. */
  readonly maxBuckets?: number;
}

const MAX_BUCKETS = 1_000_000;

const emptyBucket = (): Bucket => ({ tokens: 0, updatedMs: 0, capacity: 0, refillPerSecond: 0, ceiling: 0 });

/** Where a decision reads and writes buckets. */
export interface Buckets {
  load(key: string, into: Bucket): boolean;
  save(key: string, bucket: Bucket): void;
}

/** The steps of one decision, the same as in take-tokens.lua. */
export class TakeSteps {
  readonly #buckets: Buckets;
  /** One scratch bucket per rule of a lane, reused. */
  readonly #scratch: Bucket[] = [];
  readonly #changed: boolean[] = [];

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
  }

  takeOne(want: Want, nowMs: number): void {
    const { rules, cost } = want.lane;
    let granted = want.units;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as CompiledRule;
      const bucket = (this.#scratch[i] ??= emptyBucket());
      if (!this.#buckets.load(want.client + rule.keySuffix, bucket)) fillUp(bucket, rule, nowMs);
      this.#changed[i] = bucket.capacity !== rule.capacity || bucket.refillPerSecond !== rule.refillPerSecond;
      refill(bucket, rule, nowMs);
      granted = affordable(bucket.tokens, cost, granted);
    }
    want.granted = granted;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i] as CompiledRule;
      const bucket = this.#scratch[i] as Bucket;
      bucket.tokens = Math.min(bucket.tokens - granted * cost, rule.capacity);
      want.left[i] = bucket.tokens;
      if (rule.capacity > 0 && (granted !== 0 || this.#changed[i])) {
        this.#buckets.save(want.client + rule.keySuffix, bucket);
      }
    }
  }
}

/** Buckets in this process: exact, synchronous, bounded. */
export class MemoryStore implements LimitStore {
  readonly available = true;
  readonly #clock: () => number;
  readonly #table: BucketTable;
  readonly #steps: TakeSteps;

  constructor(options: MemoryStoreOptions) {
    this.#clock = options.clock;
    this.#table = new BucketTable({ maxBuckets: options.maxBuckets ?? MAX_BUCKETS });
    this.#steps = new TakeSteps(this.#table);
  }

  take(wants: readonly Want[], _deadlineMs: DeadlineMs, sink: StoreSink): void {
    const nowMs = this.#clock();
    for (const want of wants) this.#steps.takeOne(want, nowMs);
    sink.settled(wants, undefined);
  }

  /** Decides one want at `nowMs`. */
  takeOne(want: Want, nowMs: number): void {
    this.#steps.takeOne(want, nowMs);
  }

  /** Forgets buckets that are full by now; call it from a timer so that memory shrinks without traffic. */
  sweep(slots: number): void {
    this.#table.sweep(this.#clock(), slots);
  }

  /** Forgets one bucket: its client starts with a full one. */
  reset(client: string, keySuffix: string): boolean {
    return this.#table.delete(client + keySuffix);
  }

  get size(): number {
    return this.#table.size;
  }

  get evictions(): number {
    return this.#table.evictions;
  }

  close(): void {}
}
