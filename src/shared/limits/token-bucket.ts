/**
 * The arithmetic of a token bucket, once. `take-tokens.lua` mirrors it operation by operation, so that a bucket in
 * Redis and one in this process give bit-identical levels for the same history (a property test holds them together).
 */

export interface BucketLimit {
  /** Most tokens the bucket holds: the burst. 0 = always refused. */
  readonly capacity: number;
  /** Tokens per second; may be a fraction. */
  readonly refillPerSecond: number;
}

/** A live bucket. Mutable on purpose: stores load one into a scratch object, change it and write it back. */
export interface Bucket {
  tokens: number;
  /** When `tokens` was right, milliseconds of the store's clock. */
  updatedMs: number;
  capacity: number;
  refillPerSecond: number;
  /**
   * Highest capacity this bucket has lived under. A raised limit hands out the difference to `ceiling` at once, and
   * only once: two nodes with different limits (a rolling deploy) cannot pump tokens by taking turns.
   */
  ceiling: number;
}

/** Makes `bucket` the full bucket a client without history has. */
export function fillUp(bucket: Bucket, limit: BucketLimit, nowMs: number): void {
  bucket.tokens = limit.capacity;
  bucket.updatedMs = nowMs;
  bucket.capacity = limit.capacity;
  bucket.refillPerSecond = limit.refillPerSecond;
  bucket.ceiling = limit.capacity;
}

/**
 * Brings a bucket to `nowMs` under `limit`: changed limits act at once. Time that runs backwards adds nothing and is
 * not written down; only a bucket further in the future than its whole refill takes (a failover to a machine with
 * another clock) starts again from now, with the tokens it has.
 */
export function refill(bucket: Bucket, limit: BucketLimit, nowMs: number): void {
  const { capacity, refillPerSecond } = limit;
  if ((bucket.updatedMs - nowMs) * refillPerSecond > capacity * 1000) bucket.updatedMs = nowMs;
  if (capacity > bucket.ceiling) {
    bucket.tokens += capacity - bucket.ceiling;
    bucket.ceiling = capacity;
  }
  if (nowMs > bucket.updatedMs) {
    bucket.tokens += ((nowMs - bucket.updatedMs) * refillPerSecond) / 1000;
    bucket.updatedMs = nowMs;
  }
  if (bucket.tokens > capacity) bucket.tokens = capacity;
  bucket.capacity = capacity;
  bucket.refillPerSecond = refillPerSecond;
}

/** How many of `units` requests of `cost` tokens each a level pays for; negative units (giving back) always pass. */
export const affordable = (tokens: number, cost: number, units: number): number =>
  Math.min(units, Math.floor(tokens / cost));

/** Longest wait a client is told, milliseconds; also the answer where no wait helps (a cost above the capacity). */
export const LONGEST_WAIT_MS = 86_400_000;

/** Milliseconds until `tokens` has grown to `wanted`; 0 when it has already. */
export function waitMs(tokens: number, wanted: number, limit: BucketLimit): number {
  if (tokens >= wanted) return 0;
  if (wanted > limit.capacity) return LONGEST_WAIT_MS;
  return Math.min(((wanted - tokens) / limit.refillPerSecond) * 1000, LONGEST_WAIT_MS);
}

/** Milliseconds an empty bucket takes to fill; a stored bucket must live at least this long. */
export const fullRefillMs = (limit: BucketLimit): number =>
  limit.capacity === 0 ? 0 : (limit.capacity / limit.refillPerSecond) * 1000;
