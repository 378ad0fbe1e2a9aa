import { expect, test } from 'vitest';
import { restartDelayMs } from './restart-delay.ts';

test('the first start is at once, then 100 ms doubling to 5 s', () => {
  expect([0, 1, 2, 3, 6, 7, 2_000].map(restartDelayMs)).toEqual([0, 100, 200, 400, 3_200, 5_000, 5_000]);
});
