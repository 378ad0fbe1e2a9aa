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

/**
 * A live bucket. Mutable on purpose: stores load one into a scratch object, change it and write it back.
 *
 * A level below zero, a debt, is stored as no tokens at the time at which it will be zero (`store` and `refill`): nodes
 * of versions that know no debts grant nothing until then, which is right.
 */
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
  /** Tokens that came while it was full, up to `spilledMs`: a debt of that time is paid from them first. */
  spilled: number;
  spilledMs: number;
}

/** Tokens that were granted elsewhere, from `sinceMs` on, by the store's clock. */
export interface Debt {
  readonly tokens: number;
  readonly sinceMs: number;
}

/** What a bucket that nobody asked for so long had no room for is written down, for debts that are still to come. */
const SPILL_AFTER_MS = 1_000;

/** Makes `bucket` the full bucket a client without history has. */
export function fillUp(bucket: Bucket, limit: BucketLimit, nowMs: number): void {
  bucket.tokens = limit.capacity;
  bucket.updatedMs = nowMs;
  bucket.capacity = limit.capacity;
  bucket.refillPerSecond = limit.refillPerSecond;
  bucket.ceiling = limit.capacity;
  bucket.spilled = 0;
  bucket.spilledMs = 0;
}

/**
 * Brings a bucket to `nowMs` under `limit`: changed limits act at once. Time that runs backwards adds nothing and is
 * not written down; only a bucket further in the future than its whole refill takes (a failover to a machine with
 * another clock) starts again from now, with the tokens it has, and that is written down.
 */
export function refill(bucket: Bucket, limit: BucketLimit, nowMs: number): void {
  const { capacity, refillPerSecond } = limit;
  applyLimit(bucket, limit, nowMs);
  const passedMs = nowMs - bucket.updatedMs;
  if (passedMs > 0) {
    bucket.tokens += (passedMs * refillPerSecond) / 1000;
    bucket.updatedMs = nowMs;
    if (passedMs >= SPILL_AFTER_MS && bucket.tokens > capacity) {
      bucket.spilled = bucket.tokens - capacity;
      bucket.spilledMs = nowMs;
    }
  }
  keepWithin(bucket, capacity);
}

/**
 * The same with a debt, charged at its time: level = min(C, min(C, level then) + r × (now - then) - granted), never below
 * -C. Where the bucket was changed after that time (another node charged its own debt first), what it then had no room
 * for is remembered and pays for this one.
 * @returns tokens that could not be charged because they would lie below -C; they stay a debt
 */
export function charge(
  bucket: Bucket,
  due: { readonly limit: BucketLimit; readonly debt: Debt },
  nowMs: number,
): number {
  const { limit, debt } = due;
  const { capacity, refillPerSecond } = limit;
  applyLimit(bucket, limit, nowMs);
  const sinceMs = Math.min(debt.sinceMs, nowMs);
  if (sinceMs >= bucket.updatedMs) {
    bucket.tokens += ((sinceMs - bucket.updatedMs) * refillPerSecond) / 1000;
    if (bucket.tokens > capacity) bucket.tokens = capacity;
    bucket.tokens = bucket.tokens + ((nowMs - sinceMs) * refillPerSecond) / 1000 - debt.tokens;
    if (bucket.tokens > capacity) {
      bucket.spilled = bucket.tokens - capacity;
      bucket.spilledMs = nowMs;
    }
    bucket.updatedMs = nowMs;
  } else {
    if (nowMs > bucket.updatedMs) {
      bucket.tokens += ((nowMs - bucket.updatedMs) * refillPerSecond) / 1000;
      bucket.updatedMs = nowMs;
    }
    const spilledSince = ((bucket.spilledMs - sinceMs) * refillPerSecond) / 1000;
    const paid = Math.max(0, Math.min(bucket.spilled, spilledSince, debt.tokens));
    bucket.tokens -= debt.tokens - paid;
    bucket.spilled -= paid;
  }
  const unpaid = bucket.tokens < -capacity ? Math.min(-capacity - bucket.tokens, debt.tokens) : 0;
  keepWithin(bucket, capacity);
  return unpaid;
}

/** It is from a clock that was set back since, or another machine's: what it says is written anew, as from now. */
export function isFarAhead(bucket: Bucket, { capacity, refillPerSecond }: BucketLimit, nowMs: number): boolean {
  const short = ((bucket.updatedMs - nowMs) * refillPerSecond) / 1000;
  return short > capacity + refillPerSecond / 1000; // times are written to the microsecond
}

/** What every use of a bucket begins with: its time, its debt as a level below zero, and the limit it now lives under. */
function applyLimit(bucket: Bucket, limit: BucketLimit, nowMs: number): void {
  const { capacity, refillPerSecond } = limit;
  if (bucket.updatedMs > nowMs) {
    const isFar = isFarAhead(bucket, limit, nowMs);
    if (!isFar && bucket.tokens === 0) bucket.tokens = -(((bucket.updatedMs - nowMs) * refillPerSecond) / 1000);
    if (isFar || bucket.tokens < 0) bucket.updatedMs = nowMs;
  }
  if (capacity > bucket.ceiling) {
    bucket.tokens += capacity - bucket.ceiling;
    bucket.ceiling = capacity;
  }
  bucket.capacity = capacity;
  bucket.refillPerSecond = refillPerSecond;
}

function keepWithin(bucket: Bucket, capacity: number): void {
  if (bucket.tokens > capacity) bucket.tokens = capacity;
  if (bucket.tokens < -capacity) bucket.tokens = 0 - capacity; // never -0
}

/** Turns a level below zero into what is stored of it. */
export function store(bucket: Bucket): void {
  if (bucket.tokens >= 0) return;
  bucket.updatedMs = Number((bucket.updatedMs + (-bucket.tokens * 1000) / bucket.refillPerSecond).toFixed(3));
  bucket.tokens = 0;
}

/** How many of `units` requests of `cost` tokens each a level pays for; negative units (giving back) always pass. */
export const affordable = (tokens: number, cost: number, units: number): number =>
  units <= 0 ? units : Math.max(0, Math.min(units, Math.floor(tokens / cost)));

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
