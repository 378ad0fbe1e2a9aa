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

test('of a client and its address: a ban comes before an exemption, the longer one before the shorter', () => {
  const overrides = new Overrides(() => 1_000);
  overrides.replace([
    ['bad', 'BANNED', 3_000],
    ['good', 'EXEMPT', 3_000],
    ['203.0.113.7', 'BANNED', 5_000],
    ['198.51.100.1', 'EXEMPT', 5_000],
  ]);
  const found = (client: string, address: string) => {
    const override = overrides.find(client, address);
    return override === undefined ? undefined : [override.state, override.remainingMs];
  };
  expect(found('any', '203.0.113.7')).toEqual(['BANNED', 4_000]);
  expect(found('good', '203.0.113.7')).toEqual(['BANNED', 4_000]);
  expect(found('bad', '203.0.113.7')).toEqual(['BANNED', 4_000]);
  expect(found('bad', '198.51.100.1')).toEqual(['BANNED', 2_000]);
  expect(found('any', '198.51.100.1')).toEqual(['EXEMPT', 4_000]);
  expect(found('good', 'other')).toEqual(['EXEMPT', 2_000]);
  expect(found('203.0.113.7', '203.0.113.7')).toEqual(['BANNED', 4_000]);
  expect(found('any', 'other')).toBeUndefined();
});
