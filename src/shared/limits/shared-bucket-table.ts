import {
  type BucketMemory,
  EVICTIONS,
  SET_SLOTS,
  SHARD_WORDS,
  SLOT_VALUES,
  viewBucketMemory,
} from './bucket-memory.ts';
import { KeyHash } from './key-hash.ts';
import { ShardLocks } from './shard-locks.ts';
import { type Buckets, emptyBucket } from './take-steps.ts';
import { type Bucket, fullRefillMs, refill } from './token-bucket.ts';

/** Places of a slot's values. */
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
 * Buckets in memory that all threads share, found by 64 bits of their key in one of two sets of 16 slots (with two to
 * choose from, sets fill evenly). All buckets of a client lie in one shard, so one lock covers a decision over several
 * rules. Nothing is ever swept: a bucket that has been idle until full is the same as none, and its slot is free to
 * whoever needs one. Where all slots of both sets are in use, the bucket nearest to full is dropped and counted.
 */
export class SharedBucketTable implements Buckets {
  readonly #memory: BucketMemory;
  readonly #locks: ShardLocks;
  readonly #hash: KeyHash;
  readonly #setMask: number;
  readonly #shardSlots: number;
  readonly #scratch = emptyBucket();
  /** Slot of each rule's bucket in the open decision, or NONE; the first `#loaded` of them. */
  readonly #slots: number[] = [];
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
    this.#shardSlots = view.setsPerShard * SET_SLOTS;
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
    const slot = this.#find();
    this.#slots[index] = slot;
    this.#loaded = index + 1;
    if (slot === NONE) return false;
    this.#read(slot, into);
    return true;
  }

  save(index: number, keySuffix: string, bucket: Bucket): void {
    const known = this.#slots[index] as number;
    if (known !== NONE) {
      this.#write(known, bucket);
      return;
    }
    this.#hash.setSuffix(keySuffix);
    this.#find();
    const slot = this.#slotForNew();
    const { keysLow, keysHigh } = this.#memory;
    keysLow[slot] = 0; // a thread that ends in here leaves no key with another's values
    this.#write(slot, bucket);
    keysHigh[slot] = this.#hash.high;
    keysLow[slot] = this.#hash.low;
    this.#slots[index] = slot;
  }

  /** Forgets a bucket of the open client: it starts with a full one. */
  delete(keySuffix: string): boolean {
    this.#hash.setSuffix(keySuffix);
    const slot = this.#find();
    if (slot !== NONE) this.#memory.keysLow[slot] = 0;
    return slot !== NONE;
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
    for (let slot = 0; slot < this.#memory.keysLow.length; slot++) {
      if (this.#memory.keysLow[slot] !== 0 && this.#secondsToFull(slot) > 0) count++;
    }
    return count;
  }

  #find(): number {
    const { keysLow, keysHigh } = this.#memory;
    const { low, high } = this.#hash;
    const base = this.#shard * this.#shardSlots;
    const a = low & this.#setMask;
    const b = high & this.#setMask;
    this.#setA = base + a * SET_SLOTS;
    this.#setB = base + (a === b ? (a + 1) & this.#setMask : b) * SET_SLOTS;
    for (let slot = this.#setA; slot < this.#setA + SET_SLOTS; slot++) {
      if (keysLow[slot] === low && keysHigh[slot] === high) return slot;
    }
    for (let slot = this.#setB; slot < this.#setB + SET_SLOTS; slot++) {
      if (keysLow[slot] === low && keysHigh[slot] === high) return slot;
    }
    return NONE;
  }

  /** A slot of the set with more room; never one that this decision holds. */
  #slotForNew(): number {
    const { keysLow, shardLines } = this.#memory;
    const unused = this.#freeSlot((slot) => keysLow[slot] === 0);
    if (unused !== NONE) return unused;
    const full = this.#freeSlot((slot) => !this.#isHeld(slot) && this.#secondsToFull(slot) <= 0);
    if (full !== NONE) return full;
    const line = this.#shard * SHARD_WORDS + EVICTIONS;
    shardLines[line] = (shardLines[line] as number) + 1;
    return this.#nearestToFull();
  }

  #isHeld(slot: number): boolean {
    for (let i = 0; i < this.#loaded; i++) if (this.#slots[i] === slot) return true;
    return false;
  }

  #freeSlot(isFree: (slot: number) => boolean): number {
    let best = NONE;
    let most = 0;
    for (const set of [this.#setA, this.#setB]) {
      let free = 0;
      let last = NONE;
      for (let slot = set; slot < set + SET_SLOTS; slot++) {
        if (!isFree(slot)) continue;
        free++;
        last = slot;
      }
      if (free > most) {
        most = free;
        best = last;
      }
    }
    return best;
  }

  #nearestToFull(): number {
    let victim = this.#setA;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 2 * SET_SLOTS; i++) {
      const slot = i < SET_SLOTS ? this.#setA + i : this.#setB + i - SET_SLOTS;
      const seconds = this.#isHeld(slot) ? Number.POSITIVE_INFINITY : this.#secondsToFull(slot);
      if (seconds < least) {
        least = seconds;
        victim = slot;
      }
    }
    return victim;
  }

  /** Until the bucket may be forgotten because it is full, at its own limit; 0 or less = by now. */
  #secondsToFull(slot: number): number {
    const bucket = this.#scratch;
    this.#read(slot, bucket);
    const idleMs = this.#nowMs - bucket.updatedMs;
    refill(bucket, bucket, this.#nowMs);
    const isLowered = bucket.ceiling > bucket.capacity && idleMs < fullRefillMs(bucket) + CEILING_MEMORY_MS;
    return ((isLowered ? bucket.ceiling : bucket.capacity) - bucket.tokens) / bucket.refillPerSecond;
  }

  #read(slot: number, into: Bucket): void {
    const { values } = this.#memory;
    const at = slot * SLOT_VALUES;
    into.tokens = values[at + TOKENS] as number;
    into.updatedMs = values[at + UPDATED_MS] as number;
    into.capacity = values[at + CAPACITY] as number;
    into.refillPerSecond = values[at + RATE] as number;
    into.ceiling = values[at + CEILING] as number;
  }

  /** Tokens last: a bucket that is written by half because its thread ended has too few, never too many. */
  #write(slot: number, bucket: Bucket): void {
    const { values } = this.#memory;
    const at = slot * SLOT_VALUES;
    values[at + UPDATED_MS] = bucket.updatedMs;
    values[at + CEILING] = bucket.ceiling;
    values[at + CAPACITY] = bucket.capacity;
    values[at + RATE] = bucket.refillPerSecond;
    values[at + TOKENS] = bucket.tokens;
  }
}
