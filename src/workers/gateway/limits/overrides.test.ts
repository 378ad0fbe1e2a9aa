import { expect, test } from 'vitest';
import { Overrides } from './overrides.ts';

test('an override ends by time, and a new list takes the place of the old one', () => {
  const time = { ms: 1_000 };
  const overrides = new Overrides(() => time.ms);
  expect(overrides.isEmpty).toBe(true);
  overrides.replace([
    ['a', 'BANNED', 3_000],
    ['b', 'EXEMPT', 2_000],
  ]);
  expect(overrides.get('a')).toEqual({ state: 'BANNED', remainingMs: 2_000 });
  expect(overrides.get('b')).toEqual({ state: 'EXEMPT', remainingMs: 1_000 });
  expect(overrides.get('c')).toBeUndefined();
  time.ms = 2_000;
  expect(overrides.get('b')).toBeUndefined();
  time.ms = 3_600_000; // after an hour of silence
  expect(overrides.get('a')).toBeUndefined();
  expect(overrides.isEmpty).toBe(true);
  overrides.replace([['c', 'BANNED', 3_700_000]]);
  expect([overrides.get('a'), overrides.get('c')?.state]).toEqual([undefined, 'BANNED']);
});
