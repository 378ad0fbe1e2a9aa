import type { ThreadOverride } from './overrides.ts';
import type { RefusedList } from './refused-list.ts';

export type FromLimitThread =
  /** Whether this thread's rate limits ask Redis; once it is known and at each change, never without a Redis. */
  | { readonly type: 'limits-store'; readonly up: boolean; readonly reason: string }
  /** Even the fastest answers of its Redis take longer than RATE_LIMIT_TIMEOUT_MILLISECONDS, or no longer do. */
  | { readonly type: 'limits-store-far'; readonly isFar: boolean; readonly fastestMs: number }
  /** New clients of this thread share a bucket by address, because there is no room here, or in Redis' memory; now and then. */
  | { readonly type: 'limits-no-room'; readonly where: RoomLess }
  /** Most requests come from this address for many clients, and it is not trusted; said again while it is so. */
  | { readonly type: 'untrusted-proxy'; readonly address: string }
  /** The clients that this thread refused most; at most once a second, and only if it has changed. */
  | { readonly type: 'refused-clients'; readonly list: RefusedList }
  /** What the front asked for under this number is done. */
  | { readonly type: 'limits-done'; readonly id: number };

/** What has no room for buckets of new clients: the memory of this process, or Redis', which may evict nothing. */
export type RoomLess = 'process' | 'redis';

export type ToLimitThread =
  /** Redis holds as many clients as it should, or no longer: new ones then share a bucket by address. */
  | { readonly type: 'clients-full'; readonly isFull: boolean }
  /** Nodes that share the Redis now. */
  | { readonly type: 'live-nodes'; readonly count: number }
  /** A connection of the front to Redis has failed: see whether those of the thread still answer. */
  | { readonly type: 'doubt-store' }
  /** Forget what is remembered of the client: refusals, last levels, tokens taken ahead. Answered with `limits-done`. */
  | { readonly type: 'forget-client'; readonly client: string; readonly id: number }
  /** All overrides, in place of those before. Answered with `limits-done`. */
  | { readonly type: 'limit-overrides'; readonly overrides: readonly ThreadOverride[]; readonly id: number };
