import { getRandomValues } from 'node:crypto';

/**
 * How buckets lie in memory that all threads of the process share. Int32 words: a header, a line of 16 words per shard
 * (its lock and counters, alone in a cache line), then the two key words of every entry; after them the Float64 values.
 * Entries come in sets of 16, whose first key words fill one cache line. Memory never touched takes no room in RAM.
 */
export const SET_ENTRIES = 16;
export const SHARD_WORDS = 16;
export const ENTRY_VALUES = 5;
/** Words of a shard's line. */
export const LOCK = 0;
export const EVICTIONS = 1;

const HEADER_WORDS = 16;
const SHARDS = 0;
const SETS_PER_SHARD = 1;
const SEED_LOW = 2;
const SEED_HIGH = 3;

export interface BucketMemorySize {
  readonly shards: number;
  /** A power of two. */
  readonly setsPerShard: number;
}

const SETS_PER_SHARD_MADE = 64;
/** What clients leave free, so that the sets fill evenly: a quarter. */
const ROOM_A_CLIENT = 1.31072;
/** Of them the memory holds no more: 240 MiB. */
const MOST_CLIENTS = 4_000_000;

/** For about so many clients of one bucket each: a million are 1,310,720 buckets in 60 MiB. */
export function bucketMemorySize(clients: number): BucketMemorySize {
  const entries = Math.min(clients, MOST_CLIENTS) * ROOM_A_CLIENT;
  return { shards: Math.ceil(entries / (SETS_PER_SHARD_MADE * SET_ENTRIES)), setsPerShard: SETS_PER_SHARD_MADE };
}

const DEFAULT_SIZE = bucketMemorySize(1_000_000);

/** Memory for `shards × setsPerShard × 16` buckets of 48 bytes, to be handed to every thread. */
export function createBucketMemory(size: BucketMemorySize = DEFAULT_SIZE): SharedArrayBuffer {
  const { shards, setsPerShard } = size;
  if (shards < 1 || !Number.isInteger(Math.log2(setsPerShard))) {
    throw new RangeError(`${shards} shards of ${setsPerShard} sets: at least one, and a power of two`);
  }
  const entries = shards * setsPerShard * SET_ENTRIES;
  const words = HEADER_WORDS + shards * SHARD_WORDS + 2 * entries;
  const memory = new SharedArrayBuffer(words * 4 + entries * ENTRY_VALUES * 8);
  const header = new Int32Array(memory, 0, HEADER_WORDS);
  header[SHARDS] = shards;
  header[SETS_PER_SHARD] = setsPerShard;
  const seeds = getRandomValues(new Int32Array(2));
  header[SEED_LOW] = seeds[0] as number;
  header[SEED_HIGH] = seeds[1] as number;
  return memory;
}

/** A thread's view of it. */
export interface BucketMemory {
  readonly shards: number;
  readonly setsPerShard: number;
  readonly seedLow: number;
  readonly seedHigh: number;
  /** SHARD_WORDS per shard. */
  readonly shardLines: Int32Array;
  readonly keysLow: Int32Array;
  readonly keysHigh: Int32Array;
  /** ENTRY_VALUES per entry. */
  readonly values: Float64Array;
}

export function viewBucketMemory(memory: SharedArrayBuffer): BucketMemory {
  const header = new Int32Array(memory, 0, HEADER_WORDS);
  const shards = header[SHARDS] as number;
  const setsPerShard = header[SETS_PER_SHARD] as number;
  const entries = shards * setsPerShard * SET_ENTRIES;
  const linesAt = HEADER_WORDS * 4;
  const lowAt = linesAt + shards * SHARD_WORDS * 4;
  const highAt = lowAt + entries * 4;
  return {
    shards,
    setsPerShard,
    seedLow: header[SEED_LOW] as number,
    seedHigh: header[SEED_HIGH] as number,
    shardLines: new Int32Array(memory, linesAt, shards * SHARD_WORDS),
    keysLow: new Int32Array(memory, lowAt, entries),
    keysHigh: new Int32Array(memory, highAt, entries),
    values: new Float64Array(memory, highAt + entries * 4, entries * ENTRY_VALUES),
  };
}
