import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { emptyBucket } from './take-steps.ts';
import { affordable, fillUp, fullRefillMs, LONGEST_WAIT_MS, refill, waitMs } from './token-bucket.ts';
import type { Bucket } from './token-bucket.ts';

const limit = { capacity: 10, refillPerSecond: 5 };

function bucketOf(tokens: number, atMs: number): Bucket {
  const bucket: Bucket = emptyBucket();
  fillUp(bucket, limit, atMs);
  bucket.tokens = tokens;
  return bucket;
}

describe('token bucket', () => {
  test('an hour of silence fills it and no more', () => {
    const bucket = bucketOf(0, 1_000);
    refill(bucket, limit, 3_601_000);
    expect(bucket.tokens).toBe(10);
  });

  test('time that runs backwards neither adds nor is written down', () => {
    const bucket = bucketOf(3, 10_000);
    refill(bucket, limit, 9_500);
    expect(bucket).toMatchObject({ tokens: 3, updatedMs: 10_000 });
    refill(bucket, limit, 10_200);
    expect(bucket.tokens).toBe(4);
  });

  test('a bucket from a far future starts again from now with what it has', () => {
    const bucket = bucketOf(3, 1_000_000);
    refill(bucket, limit, 10_000);
    expect(bucket).toMatchObject({ tokens: 3, updatedMs: 10_000 });
  });

  test('a raised capacity hands out the difference once, a lowered one cuts', () => {
    const bucket = bucketOf(0, 0);
    refill(bucket, { capacity: 30, refillPerSecond: 5 }, 0);
    expect(bucket.tokens).toBe(20);
    refill(bucket, limit, 0);
    expect(bucket.tokens).toBe(10);
    refill(bucket, { capacity: 30, refillPerSecond: 5 }, 0);
    expect(bucket.tokens).toBe(10);
  });

  test('waits are told up to a day', () => {
    expect(waitMs(0.5, 1, limit)).toBe(100);
    expect(waitMs(1, 1, limit)).toBe(0);
    expect(waitMs(0, 11, limit)).toBe(LONGEST_WAIT_MS);
    expect(fullRefillMs(limit)).toBe(2_000);
    expect(fullRefillMs({ capacity: 0, refillPerSecond: 1 })).toBe(0);
  });

  const gaps = fc.array(fc.tuple(fc.oneof(fc.nat(20), fc.nat(3_000)), fc.integer({ min: 1, max: 15 })), {
    maxLength: 200,
  });
  test.prop([gaps])('never grants more than capacity + rate × time, from any start', (steps) => {
    const bucket = bucketOf(10, 0);
    let nowMs = 0;
    const grants: { atMs: number; granted: number }[] = [];
    for (const [gapMs, units] of steps) {
      nowMs += gapMs;
      refill(bucket, limit, nowMs);
      const granted = affordable(bucket.tokens, 1, units);
      bucket.tokens -= granted;
      grants.push({ atMs: nowMs, granted });
    }
    for (let i = 0; i < grants.length; i++) {
      let sum = 0;
      for (let j = i; j < grants.length; j++) {
        sum += grants[j]?.granted ?? 0;
        const elapsedMs = (grants[j]?.atMs ?? 0) - (grants[i]?.atMs ?? 0);
        expect(sum).toBeLessThanOrEqual(10 + (elapsedMs / 1000) * 5 + 1e-9);
      }
    }
  });
});
