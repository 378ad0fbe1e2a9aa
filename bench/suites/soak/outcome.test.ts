import { describe, expect, it } from 'vitest';
import type { TimeSlice } from '../../shared/load/plan.ts';
import { judge } from './outcome.ts';

const slice = (atMs: number, statuses: Record<string, number>, errors = 0): TimeSlice => ({
  atMs,
  statuses,
  errors,
  p99Us: 1,
  maxUs: 1,
});

const upstreamDown = { fromSeconds: 2.5, toSeconds: 4, statuses: ['502', '503'] };
const redisDown = { fromSeconds: 10, toSeconds: 12, statuses: [] };

describe('judge', () => {
  it('counts every loss outside the windows', () => {
    const seen = judge([slice(0, { '200': 9, '204': 1 }), slice(1000, { '200': 5, '429': 2 }, 3)], 1000, [
      upstreamDown,
    ]);
    expect(seen).toEqual({ answered: 17, lost: 5, lostInside: 0, unexpected: {} });
  });

  it('excuses a slice that a window touches, and only those', () => {
    const timeline = [1000, 2000, 3000, 4000].map((atMs) => slice(atMs, { '502': 1 }, 1));
    expect(judge(timeline, 1000, [upstreamDown])).toMatchObject({ lost: 4, lostInside: 4, unexpected: {} });
  });

  it('names what a fault may not cause', () => {
    const timeline = [slice(3000, { '200': 1, '500': 2, '503': 1 }), slice(11_000, { '503': 4 })];
    const seen = judge(timeline, 1000, [upstreamDown, redisDown]);
    expect(seen).toEqual({ answered: 8, lost: 0, lostInside: 7, unexpected: { '500': 2, '503': 4 } });
  });
});
