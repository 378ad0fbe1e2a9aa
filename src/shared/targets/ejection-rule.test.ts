import { expect, test } from 'vitest';
import { ejectionMs, isTargetFailure, mostEjected, reasonOfConnect, timesLeft } from './ejection-rule.ts';

test.each([
  [1, 50, 0],
  [2, 50, 1],
  [2, 10, 1],
  [2, 100, 1],
  [2, 0, 0],
  [3, 50, 1],
  [3, 33, 0],
  [3, 100, 2],
  [4, 50, 2],
  [10, 25, 2],
  [10, 5, 0],
])('of %i targets at %i per cent so many may be ejected: %i', (targets, percent, most) => {
  expect(mostEjected(targets, percent)).toBe(most);
});

test('each ejection lasts longer than the one before, up to five minutes', () => {
  expect([1, 2, 3, 30, 31, 1000].map((times) => ejectionMs(10_000, times))).toEqual([
    10_000, 20_000, 30_000, 300_000, 300_000, 300_000,
  ]);
});

test('what has been served well since counts against what was', () => {
  expect([0, 9_999, 10_000, 25_000, 3_600_000].map((ms) => timesLeft(3, ms, 10_000))).toEqual([3, 3, 2, 1, 0]);
  expect(timesLeft(3, -5, 10_000)).toBe(3);
});

test('500 and 501 may be the request’s, no connection for want of a port or a name is this machine’s', () => {
  expect([500, 501, 502, 503, 504, 505].map(isTargetFailure)).toEqual([false, false, true, true, true, false]);
  expect(reasonOfConnect('upstream_refused')).toBe('connect_failure');
  expect(reasonOfConnect('overloaded')).toBe(undefined);
  expect(reasonOfConnect('upstream_unresolved')).toBe(undefined);
});
