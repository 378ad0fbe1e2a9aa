import { expect, test } from 'vitest';
import { patternOf, slotMsOf } from './slots.ts';

test.each([
  [[5_000], 5_000, '*/5 * * * * *'],
  [[30_000, 7_000], 6_000, '*/6 * * * * *'],
  [[1_500], 1_000, '*/1 * * * * *'],
  [[59_000], 30_000, '*/30 * * * * *'],
  [[90_000], 60_000, '0 */1 * * * *'],
  [[3_599_000], 1_800_000, '0 */30 * * * *'],
  [[3_600_000], 3_600_000, '0 0 * * * *'],
])('intervals of %j ms are slots of %d ms', (intervals, slotMs, pattern) => {
  expect([slotMsOf(intervals), patternOf(slotMsOf(intervals))]).toEqual([slotMs, pattern]);
});
