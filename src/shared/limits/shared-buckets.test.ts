import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createSharedBuckets, SharedBuckets, type SharedTake } from './shared-buckets.ts';
import { laneOf } from './store.contract.ts';
import { affordable, type Bucket, fillUp, refill } from './token-bucket.ts';

function setUp(slots = 1024) {
  const time = { ms: 5_000 };
  const memory = createSharedBuckets(slots);
  const thread = (): SharedBuckets => new SharedBuckets(memory, () => BigInt(Math.round(time.ms * 1e6)));
  return { time, thread, buckets: thread() };
}

const ask = (client: string, extra: Partial<SharedTake> = {}): SharedTake => ({
  client,
  lane: laneOf(1, { capacity: 5, refillPerSecond: 2 }),
  share: 1,
  seed: undefined,
  ...extra,
});

describe('shared buckets', () => {
  const steps = fc.array(fc.tuple(fc.oneof(fc.nat(20), fc.nat(3_000)), fc.constantFrom(1, 1, 2, 5)), { maxLength: 80 });
  test.prop([steps])('grant what a token bucket grants', (history) => {
    const { time, buckets } = setUp();
    const limit = { capacity: 5, refillPerSecond: 2 };
    const model: Bucket = { tokens: 0, updatedMs: 0, capacity: 0, refillPerSecond: 0, ceiling: 0 };
    fillUp(model, limit, time.ms);
    for (const [gapMs, cost] of history) {
      time.ms += gapMs;
      refill(model, limit, time.ms);
      // Nanoseconds against floating tokens: leave out the one point where rounding decides.
      if (Math.abs(model.tokens - cost) < 1e-6 && model.tokens !== cost) continue;
      const granted = affordable(model.tokens, cost, 1) === 1;
      expect(buckets.take(ask('a', { lane: laneOf(cost, limit) }))).toBe(granted);
      if (granted) model.tokens -= cost;
      expect(buckets.left[0]).toBeCloseTo(model.tokens, 5);
    }
  });

  test('threads share them', () => {
    const { thread } = setUp();
    const threads = [thread(), thread(), thread()];
    const granted = Array.from({ length: 12 }, (_, i) => threads[i % 3]?.take(ask('a')));
    expect(granted.filter(Boolean)).toHaveLength(5);
  });

  test('a seed counts where the bucket is full here, and only there', () => {
    const { buckets } = setUp();
    expect(buckets.take(ask('a', { seed: [2] }))).toBe(true);
    expect(buckets.left[0]).toBeCloseTo(1, 5);
    expect(buckets.take(ask('a', { seed: [5] }))).toBe(true);
    expect(buckets.take(ask('a', { seed: [5] }))).toBe(false);
  });

  test('capacity 0 and a cost above the capacity are refused whatever the share', () => {
    const { buckets } = setUp();
    expect(buckets.take(ask('a', { lane: laneOf(1, { capacity: 0 }), share: 3 }))).toBe(false);
    expect(buckets.take(ask('b', { lane: laneOf(6, { capacity: 5 }) }))).toBe(false);
    expect(buckets.take(ask('b', { lane: laneOf(5, { capacity: 5 }) }))).toBe(true);
  });

  test('a full table makes room by forgetting, never by refusing a new client', () => {
    const { buckets } = setUp(8);
    for (let i = 0; i < 100; i++) expect(buckets.take(ask(`client${i}`))).toBe(true);
  });

  test('an hour of silence fills a bucket and no more', () => {
    const { buckets, time } = setUp();
    for (let i = 0; i < 6; i++) buckets.take(ask('a'));
    time.ms += 3_600_000;
    expect(Array.from({ length: 8 }, () => buckets.take(ask('a'))).filter(Boolean)).toHaveLength(5);
  });
});
