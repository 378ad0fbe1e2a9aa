import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createBucketMemory } from './bucket-memory.ts';
import { SharedMemoryStore } from './shared-memory-store.ts';
import { laneOf } from './store.contract.ts';
import { emptyBucket } from './take-steps.ts';
import { affordable, fillUp, refill } from './token-bucket.ts';
import type { Bucket } from './token-bucket.ts';

/** A store on a clock that the test sets; 32 entries unless told otherwise. */
function setUp(size = { shards: 1, setsPerShard: 2 }) {
  const time = { ms: 5_000 };
  const memory = createBucketMemory(size);
  const thread = (owner: number): SharedMemoryStore => new SharedMemoryStore(memory, { owner, clock: () => time.ms });
  return { time, thread, store: thread(1) };
}

describe('shared-memory store', () => {
  const step = fc.record({
    gapMs: fc.oneof(fc.nat(20), fc.nat(3_000), fc.double({ min: 0, max: 5, noNaN: true })),
    cost: fc.constantFrom(1, 1, 2, 5),
    capacity: fc.constantFrom(5, 5, 5, 8, 3),
    refillPerSecond: fc.constantFrom(2, 2, 1 / 3),
  });
  test.prop([fc.array(step, { maxLength: 80 })])('grants what a token bucket grants, to the last bit', (history) => {
    const { time, store } = setUp();
    const model: Bucket = emptyBucket();
    let isNew = true;
    for (const { gapMs, cost, ...limit } of history) {
      time.ms += gapMs;
      if (isNew) fillUp(model, limit, time.ms);
      const isChanged = model.capacity !== limit.capacity || model.refillPerSecond !== limit.refillPerSecond;
      const before = { ...model };
      refill(model, limit, time.ms);
      const isGranted = affordable(model.tokens, cost, 1) === 1;
      if (isGranted) model.tokens -= cost;
      expect(store.takeNow('a', laneOf(cost, limit))).toBe(isGranted);
      expect(store.left[0]).toBe(model.tokens);
      if (isGranted || isChanged) isNew = false;
      else Object.assign(model, before); // a refusal leaves nothing behind
    }
  });

  test('threads share the buckets', () => {
    const { thread } = setUp();
    const threads = [thread(1), thread(2), thread(3)];
    const lane = laneOf(1, { capacity: 5 });
    expect(Array.from({ length: 12 }, (_, i) => threads[i % 3]?.takeNow('a', lane)).filter(Boolean)).toHaveLength(5);
  });

  test('several rules at once: levels of all, and a refusal by one charges none', () => {
    const { store } = setUp();
    const lane = laneOf(1, { capacity: 10 }, { name: 'daily', capacity: 2 });
    expect(Array.from({ length: 4 }, () => store.takeNow('a', lane))).toEqual([true, true, false, false]);
    expect(store.left.slice(0, 2)).toEqual([8, 0]);
  });

  test('addresses on a slow rule free nobody who was refused by a quicker one', () => {
    const { store } = setUp();
    const quick = laneOf(1, { capacity: 10, refillPerSecond: 5 });
    const slow = laneOf(1, { name: 'slow', capacity: 10, refillPerSecond: 0.001 });
    for (let i = 0; i < 10; i++) store.takeNow('refused', quick);
    expect(store.takeNow('refused', quick)).toBe(false);
    for (let i = 0; i < 2_000; i++) store.takeNow(`address${i}`, slow, true);
    expect(store.evictions).toBeGreaterThan(1_900);
    expect(store.takeNow('refused', quick)).toBe(false);
  });

  test('full buckets vanish: far more clients than entries over time, and none is dropped early', () => {
    const { store, time } = setUp({ shards: 4, setsPerShard: 4 });
    const lane = laneOf(10, { capacity: 10, refillPerSecond: 1_000 }); // full again after 10 ms
    for (let i = 0; i < 20_000; i++) {
      time.ms += 0.1; // 100 buckets in use, 256 entries
      expect(store.takeNow(`client${i}`, lane)).toBe(true);
    }
    expect(store.evictions).toBe(0);
    expect(store.count()).toBe(100);
    time.ms += 3_600_000;
    expect(store.count()).toBe(0);
  });

  test('a full table has no room for made-up names, and frees nobody who is at its limit for them', () => {
    const { store } = setUp();
    const lane = laneOf(1, { capacity: 2 });
    const names = Array.from({ length: 2_000 }, (_, i) => `name${i}`);
    for (let taken = 0; taken < 2; taken++) store.takeNow('honest', lane);
    expect(store.takeNow('honest', lane)).toBe(false);
    const taken = names.map((name) => store.takeNow(name, lane));
    expect(taken.filter((each) => each === true).length).toBeLessThanOrEqual(31);
    expect(taken.filter((each) => each === 'full').length).toBeGreaterThan(1_900);
    expect([store.takeNow('honest', lane), store.evictions]).toEqual([false, 0]);
    // Those that found room go on with what they have, several rules at once or one.
    const first = names.slice(0, 5);
    expect(first.map((name) => [store.takeNow(name, lane), store.takeNow(name, lane)])).toEqual(
      first.map(() => [true, false]),
    );
    const both = laneOf(1, { capacity: 2 }, { name: 'daily', capacity: 1 });
    expect(store.takeNow('new', both)).toBe('full');
    expect(store.count()).toBe(32);
  });

  test('for an address a table full of buckets in use drops the one that is short of least, and counts it', () => {
    const { store, time } = setUp();
    const lane = laneOf(1, {});
    for (let i = 0; i < 32; i++) {
      for (let taken = 0; taken < (i === 13 ? 1 : 10); taken++) store.takeNow(`c${i}`, lane);
    }
    expect([store.count(), store.evictions]).toEqual([32, 0]);
    expect(store.takeNow('new', lane, true)).toBe(true);
    expect([store.count(), store.evictions]).toEqual([32, 1]);
    const others = Array.from({ length: 32 }, (_, i) => i).filter((i) => i !== 13);
    expect(others.map((i) => store.takeNow(`c${i}`, lane))).toEqual(others.map(() => false));
    time.ms += 1; // its 9 tokens become 10: the smallest gift there was
    expect(store.takeNow('c13', lane, true)).toBe(true);
    expect(store.left[0]).toBe(9);
  });

  test('room for one rule is never made by dropping another rule of the same request', () => {
    const { store } = setUp({ shards: 1, setsPerShard: 1 });
    const lane = laneOf(1, { capacity: 1_000 }, { name: 'b', capacity: 1_000 }, { name: 'c', capacity: 1_000 });
    const light = laneOf(1, { capacity: 10_000 });
    for (let i = 0; i < 50; i++) {
      store.takeNow(`filler${i}`, light);
      expect(store.takeNow('a', lane)).toBe(true);
      expect(new Set(store.left.slice(0, 3)).size).toBe(1);
    }
  });

  test('a seed is the most that a bucket may hold', () => {
    const { store } = setUp();
    const lane = laneOf(1, { capacity: 5, refillPerSecond: 2 });
    expect(store.takeSeeded('a', lane, { seed: [2] })).toBe(true);
    expect(store.left[0]).toBe(1);
    expect(store.takeSeeded('a', lane, { seed: [5] })).toBe(true);
    expect(store.takeSeeded('a', lane, { seed: [5] })).toBe(false);
  });

  test('a cost above the capacity is refused, the capacity itself is not', () => {
    const { store } = setUp();
    expect(store.takeNow('a', laneOf(1, { capacity: 0 }))).toBe(false);
    expect(store.takeNow('b', laneOf(6, { capacity: 5 }))).toBe(false);
    expect(store.takeNow('b', laneOf(5, { capacity: 5 }))).toBe(true);
  });

  test('an hour of silence fills a bucket and no more', () => {
    const { store, time } = setUp();
    const lane = laneOf(1, { capacity: 5, refillPerSecond: 2 });
    for (let i = 0; i < 6; i++) store.takeNow('a', lane);
    time.ms += 3_600_000;
    expect(Array.from({ length: 8 }, () => store.takeNow('a', lane)).filter(Boolean)).toHaveLength(5);
  });

  test('a million clients fit in 256 MB, and none is dropped', { timeout: 120_000 }, () => {
    const before = process.memoryUsage.rss();
    const store = new SharedMemoryStore(createBucketMemory(), { owner: 1, clock: () => 0 });
    const lane = laneOf(1, { capacity: 1_000, refillPerSecond: 0.001 });
    for (let i = 0; i < 1_000_000; i++) {
      const client = Buffer.from(`2001:db8:${i >> 16}:${i & 0xffff}::/64`).toString('latin1'); // flat, as from the wire
      store.takeNow(client, lane);
    }
    expect(store.count()).toBe(1_000_000);
    expect(store.evictions).toBe(0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 1024 * 1024);
  });
});
