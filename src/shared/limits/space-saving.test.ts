import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { SpaceSaving } from './space-saving.ts';

const countExactly = (stream: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const client of stream) counts.set(client, (counts.get(client) ?? 0) + 1);
  return counts;
};

const sketchOf = (stream: readonly string[], size: number): SpaceSaving => {
  const sketch = new SpaceSaving(size);
  for (const client of stream) sketch.add(client);
  return sketch;
};

/** Bursts of one client mixed with clients that come once. */
const streams = fc
  .array(fc.oneof(fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 30 })), fc.tuple(fc.nat(200), fc.constant(1))), {
    maxLength: 150,
  })
  .map((bursts) => bursts.flatMap(([client, times]) => Array<string>(times).fill(`c${client}`)));

describe('space saving', () => {
  test.prop([streams, fc.integer({ min: 1, max: 20 })])('keeps its guarantees for any stream', (stream, size) => {
    const exact = countExactly(stream);
    const sketch = sketchOf(stream, size);
    const estimates = sketch.estimates();
    const bound = stream.length / size;
    expect(estimates.length).toBe(Math.min(size, exact.size));
    expect(sketch.floor).toBeLessThanOrEqual(bound);
    expect(estimates.reduce((sum, { count }) => sum + count, 0)).toBe(stream.length);
    const seen = new Set<string>();
    for (const [i, { client, count, error }] of estimates.entries()) {
      const truth = exact.get(client) ?? 0;
      expect(count).toBeGreaterThanOrEqual(truth);
      expect(count - error).toBeLessThanOrEqual(truth);
      expect(error).toBeLessThanOrEqual(bound);
      expect(count).toBeLessThanOrEqual(estimates[i - 1]?.count ?? Number.POSITIVE_INFINITY);
      expect(seen.has(client)).toBe(false);
      seen.add(client);
    }
    for (const [client, truth] of exact) {
      if (seen.has(client)) continue;
      expect(truth).toBeLessThanOrEqual(sketch.floor);
      expect(truth).toBeLessThanOrEqual(bound); // whoever has more than N/k is there
    }
  });

  test('is exact while there is room', () => {
    const estimates = sketchOf(['a', 'b', 'a', 'c', 'a', 'b'], 3).estimates();
    expect(estimates).toEqual([
      { client: 'a', count: 3, error: 0 },
      { client: 'b', count: 2, error: 0 },
      { client: 'c', count: 1, error: 0 },
    ]);
  });

  test('100,000 clients refused once each hide none of the ten that are refused most', () => {
    const heavy = Array.from({ length: 10 }, (_, i) => ({ client: `heavy-${i}`, times: 3_000 - 200 * i }));
    const sketch = new SpaceSaving(1_024);
    for (let i = 0; i < 100_000; i++) {
      sketch.add(`once-${i}`);
      // Spread over the flood, so that each is in danger of being pushed out all the time.
      for (const { client, times } of heavy) {
        if (Math.floor(((i + 1) * times) / 100_000) > Math.floor((i * times) / 100_000)) sketch.add(client);
      }
    }
    expect(sketch.size).toBe(1_024);
    const top = sketch.estimates().slice(0, 10);
    expect(top.map(({ client }) => client)).toEqual(heavy.map(({ client }) => client));
    const total = 100_000 + heavy.reduce((sum, { times }) => sum + times, 0);
    for (const [i, { count, error }] of top.entries()) {
      const { times } = heavy[i] as { times: number };
      expect(count).toBeGreaterThanOrEqual(times);
      expect(count - error).toBeLessThanOrEqual(times);
      expect(error).toBeLessThanOrEqual(total / 1_024);
    }
  });

  test('refuses a size that is none', () => {
    expect(() => new SpaceSaving(0)).toThrow(RangeError);
  });
});
