import { expect, test } from 'vitest';
import { RecentMap } from './recent-map.ts';

test('forgets what is older than two ages, without being asked', () => {
  const map = new RecentMap<number>({ maxEntries: 100, maxAgeMs: 1_000 });
  map.set('a', 1, 10_000);
  map.set('b', 2, 10_999);
  map.set('c', 3, 11_000);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, 2, 3]);
  map.set('d', 4, 12_000);
  expect([map.get('a'), map.get('b'), map.get('c'), map.get('d')]).toEqual([undefined, undefined, 3, 4]);
});

test('never holds more than two generations', () => {
  const map = new RecentMap<number>({ maxEntries: 100, maxAgeMs: 1_000 });
  for (let i = 0; i < 10_000; i++) map.set(`k${i}`, i, 0);
  expect(map.size).toBeLessThanOrEqual(200);
  expect(map.get('k9999')).toBe(9_999);
});

test('the newer value wins, and deleting takes both', () => {
  const map = new RecentMap<number>({ maxEntries: 1, maxAgeMs: 1_000 });
  expect(map.isEmpty).toBe(true);
  map.set('a', 1, 0);
  map.set('a', 2, 0);
  expect(map.get('a')).toBe(2);
  map.delete('a');
  expect(map.isEmpty).toBe(true);
});
