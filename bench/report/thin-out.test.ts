import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { thinOut } from './thin-out.ts';

const points = fc.array(fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: -50, max: 50 })), {
  minLength: 1,
  maxLength: 400,
});

test.prop([points, fc.integer({ min: 1, max: 20 })])(
  'keeps the ends and both extremes, in order',
  (points, columns) => {
    const kept = thinOut(points, columns);
    const values = (list: readonly (readonly [number, number])[], i: 0 | 1): number[] => list.map((point) => point[i]);
    expect(Math.max(...values(kept, 1))).toBe(Math.max(...values(points, 1)));
    expect(Math.min(...values(kept, 1))).toBe(Math.min(...values(points, 1)));
    expect(values(kept, 0)).toEqual(values(kept, 0).sort((a, b) => a - b));
    expect([kept[0]?.[0], kept.at(-1)?.[0]]).toEqual([Math.min(...values(points, 0)), Math.max(...values(points, 0))]);
    for (const point of kept) expect(points).toContain(point);
  },
);

test('a hundred thousand points become four a column', () => {
  const many = Array.from({ length: 100_000 }, (_, i): [number, number] => [i, Math.sin(i)]);
  expect(thinOut(many, 100).length).toBeLessThanOrEqual(400);
});
