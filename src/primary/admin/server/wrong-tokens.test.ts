import { expect, test } from 'vitest';
import { WrongTokens } from './wrong-tokens.ts';

function setUp() {
  let now = 0;
  const wrong = new WrongTokens({
    nowMs: () => now,
    firstMs: 100,
    longestMs: 1_600,
    forgottenAfterMs: 60_000,
    mostAddresses: 3,
  });
  return { wrong, later: (ms: number) => (now += ms) };
}

test('each wrong token of an address waits longer, up to a bound, and is forgotten', () => {
  const { wrong, later } = setUp();
  expect([1, 2, 3, 4, 5, 6, 7].map(() => wrong.delayMs('a'))).toEqual([100, 200, 400, 800, 1_600, 1_600, 1_600]);
  expect(wrong.delayMs('b')).toBe(100);
  later(60_000);
  expect(wrong.delayMs('a')).toBe(1_600);
  later(60_001);
  expect(wrong.delayMs('a')).toBe(100);
  later(3_600_000);
  expect(wrong.delayMs('a')).toBe(100);
});

test('it remembers a few addresses, those of lately', () => {
  const { wrong } = setUp();
  for (const address of ['a', 'b', 'a', 'c', 'd']) wrong.delayMs(address);
  expect(['a', 'c', 'd', 'b'].map((address) => wrong.delayMs(address))).toEqual([400, 200, 200, 100]);
});
