import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { countedOf, mergeCounts, mergeRefused, NOTHING_REFUSED, parseRefusedList } from './refused-list.ts';
import type { RefusedList } from './refused-list.ts';
import { SpaceSaving } from './space-saving.ts';

const listOf = (stream: readonly string[], size: number): RefusedList => {
  const sketch = new SpaceSaving(size);
  for (const client of stream) sketch.add(client);
  return mergeCounts([{ estimates: sketch.estimates(), floor: sketch.floor }], 1_000);
};

const streams = fc.array(
  fc.array(
    fc.oneof(fc.nat(5), fc.nat(60)).map((n) => `c${n}`),
    { maxLength: 200 },
  ),
  { minLength: 1, maxLength: 4 },
);

describe('lists of refused clients', () => {
  test.prop([streams, fc.integer({ min: 1, max: 30 })])('a merged list keeps the guarantees', (parts, size) => {
    const exact = new Map<string, number>();
    for (const client of parts.flat()) exact.set(client, (exact.get(client) ?? 0) + 1);
    const merged = mergeRefused(parts.map((part) => listOf(part, size)));
    const named = new Set<string>();
    for (const [client, refused, overcount] of merged.clients) {
      const truth = exact.get(client) ?? 0;
      expect(refused).toBeGreaterThanOrEqual(truth);
      expect(refused - overcount).toBeLessThanOrEqual(truth);
      named.add(client);
    }
    for (const [client, truth] of exact) if (!named.has(client)) expect(truth).toBeLessThanOrEqual(merged.floor);
    const refusals = parts.flat().length;
    for (const [, , overcount] of merged.clients) expect(overcount).toBeLessThanOrEqual(refusals / size);
  });

  test('a list that is cut says how much is not in it', () => {
    const stream = Array.from({ length: 300 }, (_, i) => Array<string>(i + 1).fill(`c${i}`)).flat();
    const list = listOf(stream, 1_024);
    expect(list.clients).toHaveLength(256);
    expect(list.clients[0]).toEqual(['c299', 300, 0]);
    expect(list.floor).toBe(44);
  });

  test('a list survives JSON; anything else is none', () => {
    const list = listOf(['a', 'a', 'b'], 4);
    expect(parseRefusedList(JSON.stringify(list))).toEqual(list);
    expect(mergeCounts([countedOf(list)], 1_000)).toEqual(list);
    for (const text of ['', 'null', '{"windowMs":1}', '{"windowMs":-1,"floor":0,"clients":[]}', '[1]']) {
      expect(parseRefusedList(text)).toBeUndefined();
    }
    expect(mergeRefused([])).toEqual(NOTHING_REFUSED);
  });
});
