import { expect, test } from 'vitest';
import { distanceOf, hashOf } from './rendezvous.ts';

const KEYS = Array.from({ length: 10_000 }, (_, i) => hashOf(`device-${i}`));
const HASHES = Array.from({ length: 6 }, (_, i) => hashOf(`http://10.0.0.${i + 1}:8080`));

function placesOf(count: number, weights: readonly number[] = []): readonly number[] {
  return KEYS.map((key) => {
    const distances = HASHES.slice(0, count).map((target, i) => distanceOf(key, target, weights[i] ?? 1));
    return distances.indexOf(Math.min(...distances));
  });
}
const shareOf = (places: readonly number[], place: number): number =>
  places.filter((each) => each === place).length / places.length;

test('of 10,000 keys from five targets to six at most a fifth moves, and all of them to the new one', () => {
  const before = placesOf(5);
  const after = placesOf(6);
  const moved = after.filter((place, i) => place !== before[i]);
  expect(moved.length / KEYS.length).toBeLessThan(0.2);
  expect(new Set(moved)).toEqual(new Set([5]));
});

test('keys are spread evenly, and by weight', () => {
  const even = placesOf(5);
  for (let i = 0; i < 5; i++) expect(shareOf(even, i)).toBeCloseTo(0.2, 1);
  const weighed = placesOf(3, [6, 3, 1]);
  expect([0, 1, 2].map((i) => Math.round(shareOf(weighed, i) * 20) / 20)).toEqual([0.6, 0.3, 0.1]);
});

test('a weight that grows draws keys from the others and moves none between them', () => {
  const before = placesOf(4, [1, 1, 1, 1]);
  const after = placesOf(4, [1, 1, 1, 2]);
  const moved = after.filter((place, i) => place !== before[i]);
  expect(new Set(moved)).toEqual(new Set([3]));
});

test('texts that hardly differ have hashes that do', () => {
  expect(new Set(KEYS).size).toBeGreaterThan(9_990);
  expect(distanceOf(0, 0, 1)).toBeGreaterThanOrEqual(0);
  expect(Number.isFinite(distanceOf(hashOf(''), hashOf(''), 1))).toBe(true);
});
