import { EVICTIONS, SET_ENTRIES, SHARD_WORDS, ENTRY_VALUES, viewBucketMemory } from './bucket-memory.ts';
import type { BucketMemory } from './bucket-memory.ts';
import { KeyHash } from './key-hash.ts';
import { ShardLocks } from './shard-locks.ts';
import { emptyBucket } from './take-steps.ts';
import type { Buckets } from './take-steps.ts';
import { fullRefillMs, refill } from './token-bucket.ts';
import type { Bucket } from './token-bucket.ts';

/** Places of a entry's values. */
const TOKENS = 0;
const UPDATED_MS = 1;
const CAPACITY = 2;
const RATE = 3;
const CEILING = 4;

/** A bucket whose capacity was lowered is kept this long after it is full, as in Redis: its ceiling still counts. */
const CEILING_MEMORY_MS = 1_000;
const NONE = -1;

export interface SharedBucketTableOptions {
  /** Number of this thread among those that use the memory, from 1; `freeLocksOf` takes it when the thread has ended. */
  readonly owner: number;
  /** Longest wait for a lock, milliseconds. */
  readonly lockWaitMs: number;
}

/**
 * Buckets in memory that all threads share, found by 64 bits of their key in one of two sets of 16 entries (with two to
 * choose from, sets fill evenly). All buckets of a client lie in one shard, so one lock covers a decision over several
 * rules. Nothing is ever swept: a bucket that has been idle until full is the same as none, and its entry is free to
 * whoever needs one. Where all entries of both sets are in use there is no room for a new client. For who must have a
 * bucket all the same, an address, the one that is short of least, by its capacity, is dropped and counted.
 */
export class SharedBucketTable implements Buckets {
  readonly #memory: BucketMemory;
  readonly #locks: ShardLocks;
  readonly #hash: KeyHash;
  readonly #setMask: number;
  readonly #shardEntries: number;
  readonly #scratch = emptyBucket();
  /** Entry of each rule's bucket in the open decision, or NONE; the first `#loaded` of them. */
  readonly #entries: number[] = [];
  /** Of those entries: found free, and not yet this bucket's. */
  readonly #isFree: boolean[] = [];
  #loaded = 0;
  #shard = 0;
  #setA = 0;
  #setB = 0;
  #nowMs = 0;

  constructor(memory: SharedArrayBuffer, options: SharedBucketTableOptions) {
    const view = viewBucketMemory(memory);
    this.#memory = view;
    this.#locks = new ShardLocks(view.shardLines, { owner: options.owner, waitMs: options.lockWaitMs });
    this.#hash = new KeyHash(view.seedLow, view.seedHigh);
    this.#setMask = view.setsPerShard - 1;
    this.#shardEntries = view.setsPerShard * SET_ENTRIES;
  }

  /** Locks the buckets of a client until `close`; `false` = they cannot be had in time. */
  open(client: string): boolean {
    this.#hash.setClient(client);
    this.#shard = Math.floor(((this.#hash.client >>> 0) / 0x1_0000_0000) * this.#memory.shards);
    this.#loaded = 0;
    return this.#locks.acquire(this.#shard);
  }

  /** The time of this decision; read after `open`, so that a wait for the lock is not lost to the client. */
  at(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  close(): void {
    this.#locks.release(this.#shard);
  }

  load(index: number, keySuffix: string, into: Bucket): boolean {
    this.#hash.setSuffix(keySuffix);
    const entry = this.#find();
    this.#entries[index] = entry;
    this.#isFree[index] = false;
    this.#loaded = index + 1;
    if (entry === NONE) return false;
    this.#read(entry, into);
    return true;
  }

  hasRoom(index: number, keySuffix: string): boolean {
    this.#hash.setSuffix(keySuffix);
    this.#find();
    const entry = this.#freeOfBoth();
    this.#entries[index] = entry;
    this.#isFree[index] = entry !== NONE;
    return entry !== NONE;
  }

  save(index: number, keySuffix: string, bucket: Bucket): void {
    const known = this.#entries[index] as number;
    if (known !== NONE && this.#isFree[index] !== true) {
      this.#write(known, bucket);
      return;
    }
    this.#hash.setSuffix(keySuffix);
    let entry = known;
    if (entry === NONE) {
      this.#find();
      entry = this.#entryForNew();
    }
    const { keysLow, keysHigh } = this.#memory;
    keysLow[entry] = 0; // a thread that ends in here leaves no key with another's values
    this.#write(entry, bucket);
    keysHigh[entry] = this.#hash.high;
    keysLow[entry] = this.#hash.low;
    this.#entries[index] = entry;
    this.#isFree[index] = false;
  }

  /** Forgets a bucket of the open client: it starts with a full one. */
  delete(keySuffix: string): boolean {
    this.#hash.setSuffix(keySuffix);
    const entry = this.#find();
    if (entry !== NONE) this.#memory.keysLow[entry] = 0;
    return entry !== NONE;
  }

  /** Buckets dropped before they were full, by all threads. */
  get evictions(): number {
    let sum = 0;
    for (let i = 0; i < this.#memory.shards; i++) sum += this.#memory.shardLines[i * SHARD_WORDS + EVICTIONS] as number;
    return sum;
  }

  /** Buckets that are not full at `nowMs`: a look at all of them, for tests and people. */
  count(nowMs: number): number {
    this.#nowMs = nowMs;
    let count = 0;
    for (let entry = 0; entry < this.#memory.keysLow.length; entry++) {
      if (this.#memory.keysLow[entry] !== 0 && this.#secondsToFull(entry) > 0) count++;
    }
    return count;
  }

  #find(): number {
    const { keysLow, keysHigh } = this.#memory;
    const { low, high } = this.#hash;
    const base = this.#shard * this.#shardEntries;
    const a = low & this.#setMask;
    const b = high & this.#setMask;
    this.#setA = base + a * SET_ENTRIES;
    this.#setB = base + (a === b ? (a + 1) & this.#setMask : b) * SET_ENTRIES;
    for (let entry = this.#setA; entry < this.#setA + SET_ENTRIES; entry++) {
      if (keysLow[entry] === low && keysHigh[entry] === high) return entry;
    }
    for (let entry = this.#setB; entry < this.#setB + SET_ENTRIES; entry++) {
      if (keysLow[entry] === low && keysHigh[entry] === high) return entry;
    }
    return NONE;
  }

  /** A entry of the set with more room; never one that this decision holds. */
  #entryForNew(): number {
    const free = this.#freeOfBoth();
    if (free !== NONE) return free;
    const { shardLines } = this.#memory;
    const line = this.#shard * SHARD_WORDS + EVICTIONS;
    shardLines[line] = (shardLines[line] as number) + 1;
    return this.#shortOfLeast();
  }

  #freeOfBoth(): number {
    const { keysLow } = this.#memory;
    const unused = this.#freeEntry((entry) => keysLow[entry] === 0 && !this.#isHeld(entry));
    if (unused !== NONE) return unused;
    return this.#freeEntry((entry) => !this.#isHeld(entry) && this.#secondsToFull(entry) <= 0);
  }

  #isHeld(entry: number): boolean {
    for (let i = 0; i < this.#loaded; i++) if (this.#entries[i] === entry) return true;
    return false;
  }

  #freeEntry(isFree: (entry: number) => boolean): number {
    let best = NONE;
    let most = 0;
    for (const set of [this.#setA, this.#setB]) {
      let free = 0;
      let last = NONE;
      for (let entry = set; entry < set + SET_ENTRIES; entry++) {
        if (!isFree(entry)) continue;
        free++;
        last = entry;
      }
      if (free > most) {
        most = free;
        best = last;
      }
    }
    return best;
  }

  #shortOfLeast(): number {
    let victim = this.#setA;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 2 * SET_ENTRIES; i++) {
      const entry = i < SET_ENTRIES ? this.#setA + i : this.#setB + i - SET_ENTRIES;
      const share = this.#isHeld(entry) ? Number.POSITIVE_INFINITY : this.#shortage(entry) / this.#scratch.capacity;
      if (share < least) {
        least = share;
        victim = entry;
      }
    }
    return victim;
  }

  /** Until the bucket may be forgotten because it is full, at its own limit; 0 or less = by now. */
  #secondsToFull(entry: number): number {
    return this.#shortage(entry) / this.#scratch.refillPerSecond;
  }

  /** Tokens that the bucket, which is then in `#scratch`, lacks to be full. */
  #shortage(entry: number): number {
    const bucket = this.#scratch;
    this.#read(entry, bucket);
    const idleMs = this.#nowMs - bucket.updatedMs;
    refill(bucket, bucket, this.#nowMs);
    const isLowered = bucket.ceiling > bucket.capacity && idleMs < fullRefillMs(bucket) + CEILING_MEMORY_MS;
    return (isLowered ? bucket.ceiling : bucket.capacity) - bucket.tokens;
  }

  #read(entry: number, into: Bucket): void {
    const { values } = this.#memory;
    const at = entry * ENTRY_VALUES;
    into.tokens = values[at + TOKENS] as number;
    into.updatedMs = values[at + UPDATED_MS] as number;
    into.capacity = values[at + CAPACITY] as number;
    into.refillPerSecond = values[at + RATE] as number;
    into.ceiling = values[at + CEILING] as number;
    into.spilled = 0; // the debts of other nodes are none of this memory's business
    into.spilledMs = 0;
  }

  /** Tokens last: a bucket that is written by half because its thread ended has too few, never too many. */
  #write(entry: number, bucket: Bucket): void {
    const { values } = this.#memory;
    const at = entry * ENTRY_VALUES;
    values[at + UPDATED_MS] = bucket.updatedMs;
    values[at + CEILING] = bucket.ceiling;
    values[at + CAPACITY] = bucket.capacity;
    values[at + RATE] = bucket.refillPerSecond;
    values[at + TOKENS] = bucket.tokens;
  }
}
