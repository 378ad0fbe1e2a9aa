import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { fitLine, growthOf, mostGrowth } from './trend.ts';
import type { XY } from './trend.ts';

const whole = fc.integer({ min: -1000, max: 1000 });

describe('fitLine', () => {
  it.each<[readonly XY[]]>([
    [[]],
    [[[1, 2]]],
    [
      [
        [1, 2],
        [1, 5],
      ],
    ],
  ])('%j has none', (points) => {
    expect(fitLine(points)).toBeUndefined();
  });

  it('is what the textbook says', () => {
    const line = fitLine([
      [1, 1],
      [2, 3],
      [3, 2],
    ]);
    expect(line?.slope).toBeCloseTo(0.5, 12);
    expect(line?.at(2)).toBeCloseTo(2, 12);
  });

  test.prop([whole, whole, fc.uniqueArray(whole, { minLength: 2, maxLength: 50 })])(
    'finds the line that the points lie on',
    (slope, intercept, xs) => {
      const line = fitLine(xs.map((x) => [x, intercept + slope * x]));
      expect(line?.slope).toBeCloseTo(slope, 6);
      expect(line?.at(7)).toBeCloseTo(intercept + slope * 7, 4);
    },
  );
});

describe('growthOf', () => {
  const over = (of: (x: number) => number): XY[] => Array.from({ length: 101 }, (_, x) => [x, of(x)]);

  it('leaves out the first quarter', () => {
    const seen = growthOf(
      over((x) => (x < 25 ? x * 1000 : 500)),
      100,
    );
    expect(seen).toEqual({ level: 500, end: 500, grown: 0 });
  });

  it('sees a leak below a sawtooth', () => {
    const seen = growthOf(
      over((x) => 100 + x + (x % 10) * 5),
      100,
    );
    expect(seen?.grown).toBeGreaterThan(65);
    expect(seen?.grown).toBeLessThan(85);
  });

  it('sees nothing in a sawtooth alone', () => {
    expect(
      Math.abs(
        growthOf(
          over((x) => 100 + (x % 10) * 5),
          100,
        )?.grown ?? 99,
      ),
    ).toBeLessThan(10);
  });

  it('needs samples after it', () => {
    expect(
      growthOf(
        [
          [0, 1],
          [24, 2],
          [26, 3],
        ],
        100,
      ),
    ).toBeUndefined();
  });
});

it('allows a share, or the least', () => {
  expect(mostGrowth(1000, { share: 0.1, least: 16 })).toBe(100);
  expect(mostGrowth(100, { share: 0.1, least: 16 })).toBe(16);
});
