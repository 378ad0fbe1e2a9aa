import { type Bucket, type BucketLimit, fullRefillMs, refill } from './token-bucket.ts';

/** Slots come in pages, so that growing never copies; index = page × PAGE + offset. */
const PAGE_BITS = 14;
const PAGE = 1 << PAGE_BITS;
/** Many small maps instead of one: a map that doubles stops the front, and a small one does so briefly. */
const SHARDS = 256;

interface Page {
  readonly keys: (string | undefined)[];
  readonly tokens: Float64Array;
  readonly updatedMs: Float64Array;
  /** Index of the limit (capacity, rate, ceiling) the bucket lives under: few differ among a million buckets. */
  readonly limit: Uint32Array;
}

const newPage = (): Page => ({
  keys: Array.from<string | undefined>({ length: PAGE }),
  tokens: new Float64Array(PAGE),
  updatedMs: new Float64Array(PAGE),
  limit: new Uint32Array(PAGE),
});

interface KnownLimit extends BucketLimit {
  readonly ceiling: number;
}

const shardOf = (key: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (SHARDS - 1);
};

/**
 * Buckets by key, about 110 bytes each, at most `maxBuckets`. A bucket that has been idle until full is the same as
 * none and vanishes: each insertion looks at a few slots, and `sweep` looks at more. Full of buckets that are not
 * full, the table drops the fullest of a sample (its client starts again with a full bucket) and counts it.
 */
export class BucketTable {
  readonly #maxBuckets: number;
  readonly #shards: Map<string, number>[] = Array.from({ length: SHARDS }, () => new Map<string, number>());
  readonly #pages: Page[] = [];
  readonly #free: number[] = [];
  readonly #limits: KnownLimit[] = [];
  readonly #limitIndex = new Map<string, number>();
  readonly #scratch: Bucket = { tokens: 0, updatedMs: 0, capacity: 0, refillPerSecond: 0, ceiling: 0 };
  #used = 0;
  #hand = 0;
  #lastLimit = 0;
  size = 0;
  /** Buckets dropped before they were full. */
  evictions = 0;

  constructor(options: { readonly maxBuckets: number }) {
    this.#maxBuckets = options.maxBuckets;
  }

  /** Reads the bucket of `key` into `into`; `false` when there is none. */
  load(key: string, into: Bucket): boolean {
    const slot = (this.#shards[shardOf(key)] as Map<string, number>).get(key);
    if (slot === undefined) return false;
    this.#read(slot, into);
    return true;
  }

  /** Writes the bucket of `key`. */
  save(key: string, bucket: Bucket): void {
    const shard = this.#shards[shardOf(key)] as Map<string, number>;
    let slot = shard.get(key);
    if (slot === undefined) {
      this.sweep(bucket.updatedMs, 4);
      slot = this.#freeSlot(bucket.updatedMs);
      shard.set(key, slot);
      this.#page(slot).keys[slot & (PAGE - 1)] = key;
      this.size++;
    }
    const page = this.#page(slot);
    const at = slot & (PAGE - 1);
    page.tokens[at] = bucket.tokens;
    page.updatedMs[at] = bucket.updatedMs;
    page.limit[at] = this.#limitOf(bucket);
  }

  /** Forgets the bucket of `key`: the client starts with a full one. */
  delete(key: string): boolean {
    const slot = (this.#shards[shardOf(key)] as Map<string, number>).get(key);
    if (slot === undefined) return false;
    this.#release(slot, key);
    return true;
  }

  /** Looks at the next `slots` slots in turn and forgets those that have become full. */
  sweep(nowMs: number, slots: number): void {
    for (let i = Math.min(slots, this.#used); i > 0; i--) {
      if (this.#hand >= this.#used) this.#hand = 0;
      const slot = this.#hand++;
      const key = this.#page(slot).keys[slot & (PAGE - 1)];
      if (key !== undefined && this.#missing(slot, nowMs) <= 0) this.#release(slot, key);
    }
  }

  /** Tokens the bucket in `slot` lacks at `nowMs`; one whose capacity was lowered is not forgotten before it is idle. */
  #missing(slot: number, nowMs: number): number {
    const bucket = this.#scratch;
    this.#read(slot, bucket);
    const idleMs = nowMs - bucket.updatedMs;
    refill(bucket, this.#limits[this.#page(slot).limit[slot & (PAGE - 1)] as number] as KnownLimit, nowMs);
    if (bucket.ceiling > bucket.capacity && idleMs < fullRefillMs(bucket) + 1_000) return bucket.ceiling;
    return bucket.capacity - bucket.tokens;
  }

  #read(slot: number, into: Bucket): void {
    const page = this.#page(slot);
    const at = slot & (PAGE - 1);
    const limit = this.#limits[page.limit[at] as number] as KnownLimit;
    into.tokens = page.tokens[at] as number;
    into.updatedMs = page.updatedMs[at] as number;
    into.capacity = limit.capacity;
    into.refillPerSecond = limit.refillPerSecond;
    into.ceiling = limit.ceiling;
  }

  #freeSlot(nowMs: number): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used < this.#maxBuckets) {
      if (this.#used >> PAGE_BITS === this.#pages.length) this.#pages.push(newPage());
      return this.#used++;
    }
    this.#evictOne(nowMs);
    return this.#free.pop() as number;
  }

  #evictOne(nowMs: number): void {
    let victim = this.#hand;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 8; i++) {
      const slot = (this.#hand + i) % this.#used;
      const missing = this.#missing(slot, nowMs) / this.#scratch.refillPerSecond;
      if (missing < least) {
        least = missing;
        victim = slot;
      }
    }
    this.#hand = (this.#hand + 8) % this.#used;
    if (least > 0) this.evictions++;
    this.#release(victim, this.#page(victim).keys[victim & (PAGE - 1)] as string);
  }

  #release(slot: number, key: string): void {
    (this.#shards[shardOf(key)] as Map<string, number>).delete(key);
    this.#page(slot).keys[slot & (PAGE - 1)] = undefined;
    this.#free.push(slot);
    this.size--;
  }

  #limitOf(bucket: Bucket): number {
    const last = this.#limits[this.#lastLimit];
    if (
      last?.capacity === bucket.capacity &&
      last.refillPerSecond === bucket.refillPerSecond &&
      last.ceiling === bucket.ceiling
    ) {
      return this.#lastLimit;
    }
    const { capacity, refillPerSecond, ceiling } = bucket;
    const name = `${capacity} ${refillPerSecond} ${ceiling}`;
    let index = this.#limitIndex.get(name);
    if (index === undefined) {
      index = this.#limits.push({ capacity, refillPerSecond, ceiling }) - 1;
      this.#limitIndex.set(name, index);
    }
    this.#lastLimit = index;
    return index;
  }

  readonly #page = (slot: number): Page => this.#pages[slot >> PAGE_BITS] as Page;
}
