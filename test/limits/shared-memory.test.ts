import { describe, expect, test } from 'vitest';
import { monotonicMs } from '../../src/shared/clock.ts';
import { createBucketMemory } from '../../src/shared/limits/bucket-memory.ts';
import { freeLocksOf } from '../../src/shared/limits/shard-locks.ts';
import { SharedMemoryStore } from '../../src/shared/limits/shared-memory-store.ts';
import { laneOf, takeFrom } from '../../src/shared/limits/store.contract.ts';
import { hammerMemory, holdLock } from './memory-threads.ts';
import { laneSpec, openLimiter } from './open-limiter.ts';

const THREADS = 4;

describe('threads on one memory', () => {
  test('one client: what the bucket refills and no more, and none of it is lost', async () => {
    // Emptied before and never full again, so that a machine too busy to ask in time loses no tokens either.
    const [capacity, rate] = [1_000_000, 100_000];
    const lane = laneOf(1, { capacity, refillPerSecond: rate });
    const memory = createBucketMemory();
    const store = new SharedMemoryStore(memory, { owner: 9 });
    const take = async (units: number) =>
      (await takeFrom({ store, clock: monotonicMs }, [{ client: 'a', lane, units }]))[0];
    const beforeMs = monotonicMs();
    expect((await take(capacity))?.granted).toBe(capacity);
    const emptiedMs = monotonicMs();
    const plan = { memory, threads: THREADS, clients: ['a'], capacity, rate };
    const result = await hammerMemory({ ...plan, rounds: Number.POSITIVE_INFINITY, seconds: 1 });
    const hammeredMs = monotonicMs();
    const rest = (await take(0))?.left[0] ?? 0;
    const taken = result.granted[0] ?? 0;
    expect(taken + rest).toBeLessThanOrEqual((rate * (monotonicMs() - beforeMs)) / 1000);
    expect(taken + rest).toBeGreaterThanOrEqual((0.99 * rate * (hammeredMs - emptiedMs)) / 1000);
    expect(taken).toBeGreaterThan(10_000);
  });

  test('many clients: each gets exactly its own', async () => {
    const clients = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
    const memory = createBucketMemory();
    const plan = { memory, threads: THREADS, clients, capacity: 100, rate: 1e-6 };
    const result = await hammerMemory({ ...plan, rounds: 200, seconds: 60 });
    expect(result.granted).toEqual(clients.map(() => 100));
  });

  test('the first request of a client wins once, whoever asks at the same time', async () => {
    const clients = Array.from({ length: 1_000 }, (_, i) => `2001:db8:0:${i.toString(16)}::/64`);
    const memory = createBucketMemory();
    const plan = { memory, threads: THREADS, clients, capacity: 1, rate: 1e-6 };
    const result = await hammerMemory({ ...plan, rounds: 1, seconds: 60 });
    expect(result.granted).toEqual(clients.map(() => 1));
    expect(new SharedMemoryStore(memory, { owner: 9 }).evictions).toBe(0);
  });
});

describe('a thread that is ended in the middle of a decision', () => {
  const lane = laneOf(1, {});
  const WAIT_MS = 20;
  /** What a busy machine adds at most; without a time-out it would be for ever. */
  const MARGIN_MS = 5_000;

  test('costs others the time-out at most, other clients nothing, and is over when the front has freed its lock', async () => {
    const memory = createBucketMemory();
    const store = new SharedMemoryStore(memory, { owner: 1, lockWaitMs: WAIT_MS });
    expect(store.takeNow('a', lane)).toBe(true);
    const holder = await holdLock({ memory, owner: 2, client: 'a' });
    const startMs = monotonicMs();
    expect(store.takeNow('a', lane)).toBeUndefined();
    expect(monotonicMs() - startMs).toBeGreaterThanOrEqual(WAIT_MS);
    expect(monotonicMs() - startMs).toBeLessThan(WAIT_MS + MARGIN_MS);
    expect(Array.from({ length: 50 }, (_, i) => store.takeNow(`b${i}`, lane)).filter(Boolean).length).toBeGreaterThan(
      45,
    );
    await holder.terminate();
    freeLocksOf(memory, 3); // another's
    expect(store.takeNow('a', lane)).toBeUndefined();
    freeLocksOf(memory, 2);
    expect(store.takeNow('a', lane)).toBe(true);
    expect(store.left[0]).toBeCloseTo(8, 1);
  });

  test('where nobody frees it for a second a route lets pass or is unavailable, as it says', async () => {
    const memory = createBucketMemory({ shards: 1, setsPerShard: 64 });
    const asked = openLimiter(new SharedMemoryStore(memory, { owner: 1, lockWaitMs: 1 }));
    const holder = await holdLock({ memory, owner: 2, client: 'a' });
    const closed = laneSpec({}, { onStoreFailure: 'closed' });
    expect((await asked.ask('a', closed)).decision).toMatchObject({ outcome: 'unavailable', mode: 'closed' });
    expect((await asked.ask('a')).decision).toMatchObject({ outcome: 'granted', mode: 'open' });
    await holder.terminate();
  });
});
