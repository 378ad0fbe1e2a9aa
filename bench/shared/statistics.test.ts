import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ratiosByRound, summarize } from './statistics.ts';

describe('summarize', () => {
  it.each([
    [[], undefined],
    [[3], { median: 3, min: 3, max: 3 }],
    [[10, 9, 1], { median: 9, min: 1, max: 10 }],
    [[4, 1, 3, 2], { median: 2.5, min: 1, max: 4 }],
  ])('%j', (values, expected) => {
    expect(summarize(values)).toEqual(expected);
  });

  test.prop([fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 })])(
    'at most half of the numbers lie on either side of the median',
    (values) => {
      const { median, min, max } = summarize(values) ?? { median: Number.NaN, min: 0, max: 0 };
      expect(values.filter((v) => v < median).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((v) => v > median).length).toBeLessThanOrEqual(values.length / 2);
      expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
    },
  );
});

describe('ratiosByRound', () => {
  it('pairs by round, whatever the order, and leaves out rounds without a partner', () => {
    const ours = [
      { round: 1, value: 12 },
      { round: 2, value: 30 },
      { round: 3, value: 7 },
    ];
    const theirs = [
      { round: 2, value: 20 },
      { round: 1, value: 10 },
      { round: 4, value: 1 },
    ];
    expect(ratiosByRound(ours, theirs)).toEqual([1.2, 1.5]);
  });

  it('never divides by nothing', () => {
    expect(ratiosByRound([{ round: 1, value: 1 }], [{ round: 1, value: 0 }])).toEqual([]);
  });
});
