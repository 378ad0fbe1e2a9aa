import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { lowestP, rankTestP } from './rank-test.ts';

/** By the definition: of all ways to divide the pooled values, the share whose mean rank is as far off as the one seen. */
function modelP(a: readonly number[], b: readonly number[]): number {
  const pooled = [...a, ...b];
  const rank = (x: number): number =>
    pooled.filter((y) => y < x).length + (pooled.filter((y) => y === x).length + 1) / 2;
  const expected = (a.length * (pooled.length + 1)) / 2;
  const off = (group: readonly number[]): number => Math.abs(group.reduce((sum, x) => sum + rank(x), 0) - expected);
  const groups = choose(pooled, a.length);
  return groups.filter((group) => off(group) >= off(a) - 1e-9).length / groups.length;
}

function choose(values: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  const [first, ...rest] = values;
  if (first === undefined) return [];
  return [...choose(rest, size - 1).map((group) => [first, ...group]), ...choose(rest, size)];
}

const few = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 6 });
const some = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 });

describe('rankTestP', () => {
  it('five rounds that do not overlap', () => {
    expect(rankTestP([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252, 12);
  });

  it('knows nothing of three rounds', () => {
    expect(rankTestP([1, 2, 3], [6, 7, 8])).toBeCloseTo(0.1, 12);
  });

  test.prop([few, few])('is the permutation test, ties included', (a, b) => {
    expect(rankTestP(a, b)).toBeCloseTo(modelP(a, b), 9);
  });

  test.prop([some, some])('does not care which comes first, nor for the unit', (a, b) => {
    const p = rankTestP(a, b);
    expect(rankTestP(b, a)).toBeCloseTo(p, 12);
    expect(
      rankTestP(
        a.map((x) => x * 8),
        b.map((x) => x * 8),
      ),
    ).toBeCloseTo(p, 12);
    expect(p).toBeGreaterThan(0);
    expect(p).toBeLessThanOrEqual(1);
  });

  test.prop([some])('finds no difference between a sample and itself', (a) => {
    expect(rankTestP(a, a)).toBe(1);
  });

  it('the approximation for many goes on where the exact count ends', () => {
    const row = (length: number, from: number): number[] => Array.from({ length }, (_, i) => from + i * 1.01);
    const exact = rankTestP(row(20, 0), row(20, 5));
    const normal = rankTestP(row(21, 0), row(21, 5));
    expect(exact).toBeGreaterThan(0.01);
    expect(normal / exact).toBeGreaterThan(0.8);
    expect(normal / exact).toBeLessThan(1.5);
    expect(rankTestP(row(50, 3), row(50, 3))).toBeCloseTo(1, 6);
  });
});

test('lowestP is that of groups that do not overlap', () => {
  for (const [n, m] of [
    [1, 1],
    [3, 3],
    [5, 5],
    [4, 7],
  ] as const) {
    const low = Array.from({ length: n }, (_, i) => i);
    const high = Array.from({ length: m }, (_, i) => 100 + i);
    expect(lowestP(n, m)).toBeCloseTo(rankTestP(low, high), 12);
  }
});
