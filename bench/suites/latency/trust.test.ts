import { describe, expect, it } from 'vitest';
import type { LoadResult } from '../../shared/load/plan.ts';
import { distrust } from './trust.ts';
import type { Percentile } from './trust.ts';

const seen: LoadResult = {
  requests: 1000,
  statuses: { '200': 1000 },
  errors: 0,
  seconds: 1,
  p50Us: 400,
  p90Us: 1000,
  p99Us: 2000,
  p999Us: 5000,
  maxUs: 6000,
  busyCores: 0.5,
  timeline: [],
  problems: [],
};

describe('distrust', () => {
  it.each<[Percentile, Partial<LoadResult>, boolean]>([
    ['p50', { lateP90Us: 80 }, true],
    ['p50', { lateP90Us: 81 }, false],
    ['p90', { lateP99Us: 200 }, true],
    ['p90', { lateP99Us: 201 }, false],
    ['p99', { lateP99Us: 400 }, true],
    ['p99', { lateP99Us: 401, lateP90Us: 0, lateP999Us: 401 }, false],
    ['p99.9', { lateP999Us: 1000 }, true],
    ['p99.9', { lateP999Us: 1001 }, false],
    ['p99.9', {}, true],
    ['p50', { busyCores: 0.96 }, false],
  ])('%s with %j', (percentile, late, told) => {
    expect(distrust({ ...seen, ...late }, percentile) === undefined).toBe(told);
  });

  it('says how late', () => {
    expect(distrust({ ...seen, lateP99Us: 1500 }, 'p99')).toBe('p99 2.00 ms, the generator itself 1.50 ms late');
  });
});
