import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { axisFor, linearAxis, positionOn, tickTexts } from './ticks.ts';

const value = fc.oneof(
  fc.integer({ min: -1e12, max: 1e12 }),
  fc.integer({ min: -1e6, max: 1e6 }).map((x) => x / 1000),
  fc.integer({ min: 0, max: 1000 }).map((x) => x / 1e6),
);

describe('linearAxis', () => {
  test.prop([value, value, fc.integer({ min: 1, max: 10 })])(
    'covers the range with few rising ticks',
    (a, b, about) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const { ticks } = linearAxis(low, high, about);
      expect(ticks[0]).toBeLessThanOrEqual(low);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(about + 3);
      for (const [i, tick] of ticks.slice(1).entries()) expect(tick).toBeGreaterThan(ticks[i] ?? 0);
    },
  );

  test.prop([fc.double({ min: 1e-6, max: 1e9, noNaN: true })])(
    'has steps of 1, 2 or 5 times a power of ten',
    (high) => {
      const { ticks } = linearAxis(0, high, 5);
      expect(['1', '2', '5']).toContain((ticks[1] ?? 0).toExponential().split('e')[0]);
    },
  );

  it.each([
    [[0, 22.6], 5, [0, 5, 10, 15, 20, 25]],
    [[-3, 4], 4, [-4, -2, 0, 2, 4]],
    [[0, 0.3], 3, [0, 0.1, 0.2, 0.3]],
    [[0, 0], 4, [0, 0.5]],
  ])('%j in about %d', ([low = 0, high = 0], about, ticks) => {
    expect(linearAxis(low, high, about).ticks).toEqual(ticks);
  });
});

describe('axisFor', () => {
  it('is logarithmic only beyond three decades of positive values', () => {
    expect(axisFor([1, 1000], 5, true).scale).toBe('linear');
    expect(axisFor([0, 100_000], 5, true).scale).toBe('linear');
    expect(axisFor([0.5, 2000], 5, true)).toEqual({ scale: 'log', ticks: [0.1, 1, 10, 100, 1000, 10_000] });
  });

  it('holds together without values', () => {
    expect(axisFor([], 5, true).ticks.length).toBeGreaterThan(1);
  });

  test.prop([fc.array(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), { minLength: 1 })])(
    'places every value between its ends',
    (values) => {
      const axis = axisFor(values, 5, true);
      for (const one of values) {
        expect(positionOn(axis, one)).toBeGreaterThanOrEqual(-1e-9);
        expect(positionOn(axis, one)).toBeLessThanOrEqual(1 + 1e-9);
      }
    },
  );
});

describe('tickTexts', () => {
  it.each([
    [0, 5000, ['0', '1,000', '2,000', '3,000', '4,000', '5,000']],
    [0, 9000, ['0', '2 k', '4 k', '6 k', '8 k', '10 k']],
    [0, 45_000, ['0', '10 k', '20 k', '30 k', '40 k', '50 k']],
    [0, 1_400_000, ['0', '0.5 M', '1 M', '1.5 M']],
    [0, 0.0009, ['0', '0.0002', '0.0004', '0.0006', '0.0008', '0.001']],
  ])('%d to %d', (low, high, texts) => {
    expect(tickTexts(linearAxis(low, high, high === 1_400_000 ? 3 : 5))).toEqual(texts);
  });

  test.prop([value, value])('no two ticks have the same text', (a, b) => {
    const texts = tickTexts(linearAxis(Math.min(0, a, b), Math.max(0, a, b), 5));
    expect(new Set(texts).size).toBe(texts.length);
  });
});
