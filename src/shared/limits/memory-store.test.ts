import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { MemoryStore } from './memory-store.ts';
import { laneOf } from './store.contract.ts';
import type { Want } from './store.ts';

const wantOf = (client: string, lane: Want['lane'], units: number): Want => ({
  client,
  lane,
  units,
  granted: 0,
  left: [],
});

describe('memory store', () => {
  test('buckets that have become full vanish, others stay', () => {
    let nowMs = 0;
    const store = new MemoryStore({ clock: () => nowMs });
    const quick = laneOf(1, { capacity: 10, refillPerSecond: 10 });
    const slow = laneOf(1, { name: 'slow', capacity: 10, refillPerSecond: 0.001 });
    for (let i = 0; i < 100; i++) store.takeOne(wantOf(`c${i}`, i < 50 ? quick : slow, 10), nowMs);
    nowMs = 999;
    store.sweep(200);
    expect(store.size).toBe(100);
    nowMs = 1_000;
    store.sweep(200);
    expect(store.size).toBe(50);
    expect(store.evictions).toBe(0);
  });

  test('traffic alone makes full buckets vanish', () => {
    let nowMs = 0;
    const store = new MemoryStore({ clock: () => nowMs });
    const lane = laneOf(1, { capacity: 10, refillPerSecond: 1_000 });
    for (let i = 0; i < 20_000; i++) {
      nowMs += 0.01;
      store.takeOne(wantOf(`c${i}`, lane, 10), nowMs);
    }
    expect(store.size).toBeLessThan(4_000);
  });

  test('a table full of buckets in use drops the fullest it sees and says so', () => {
    const store = new MemoryStore({ clock: () => 0, maxBuckets: 8 });
    const lane = laneOf(1, {});
    for (let i = 0; i < 8; i++) store.takeOne(wantOf(`c${i}`, lane, i === 3 ? 1 : 10), 0);
    store.takeOne(wantOf('new', lane, 10), 0);
    expect(store.size).toBe(8);
    expect(store.evictions).toBe(1);
    const dropped = wantOf('c3', lane, 10);
    store.takeOne(dropped, 0);
    expect(dropped.granted).toBe(10); // its 9 tokens became 10: the smallest gift in the sample
  });

  test('a million clients fit in 256 MB', { timeout: 120_000 }, () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const usedBytes = (): number => {
      gc();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const lane = laneOf(1, { capacity: 1_000, refillPerSecond: 0.001 });
    const before = usedBytes();
    const store = new MemoryStore({ clock: () => 0 });
    const want = wantOf('', lane, 1);
    for (let i = 0; i < 1_000_000; i++) {
      const client = Buffer.from(`2001:db8:${i >> 16}:${i & 0xffff}::/64`).toString('latin1'); // flat, as from the wire
      store.takeOne({ ...want, client }, 0);
    }
    expect(store.size).toBe(1_000_000);
    expect(usedBytes() - before).toBeLessThan(256 * 1024 * 1024);
  });
});
