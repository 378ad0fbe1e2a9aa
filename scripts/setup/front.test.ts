import { expect, test } from 'vitest';
import { ENV } from '../../src/shared/config/env-table.ts';
import { DEFAULT_FRONT, frontOf } from './front.mjs';

test('setup and gateway have the same default front', () => {
  expect(DEFAULT_FRONT).toBe(ENV.FRONT.default);
});

test.each([
  [undefined, DEFAULT_FRONT],
  ['', DEFAULT_FRONT],
  ['native', 'native'],
  ['uws', 'uws'],
  ['nonsense', 'nonsense'],
])('FRONT=%s asks for %s', (FRONT, front) => {
  expect(frontOf({ FRONT })).toBe(front);
});
