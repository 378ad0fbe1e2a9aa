import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { AuthorityClock } from './authority-clock.ts';

test('nothing is known before the first answer, or once it is forgotten', () => {
  const clock = new AuthorityClock();
  expect([clock.known, clock.timeAt(1)]).toEqual([false, undefined]);
  clock.heard(1_000, { sentMs: 10, receivedMs: 12 });
  expect([clock.known, clock.timeAt(12)]).toEqual([true, 1_003]);
  clock.forget();
  expect([clock.known, clock.timeAt(1)]).toEqual([false, undefined]);
});

test('a clock that was set is followed with the next answer', () => {
  const clock = new AuthorityClock();
  clock.heard(1_000, { sentMs: 10, receivedMs: 12 });
  clock.heard(500, { sentMs: 20, receivedMs: 22 });
  expect(clock.timeAt(20)).toBe(501);
  clock.heard(9_000, { sentMs: 30, receivedMs: 32 });
  expect(clock.timeAt(32)).toBe(9_000);
});

const trips = fc.array(fc.record({ gapMs: fc.nat(2_000), thereMs: fc.nat(900), backMs: fc.nat(900) }), {
  minLength: 1,
});

test.prop([trips])('it is at most the way there ahead and never behind, and later is never before', (list) => {
  const clock = new AuthorityClock();
  const aheadMs = 1_700_000_000_000;
  let nowMs = 0;
  let last = 0;
  let shortestThere = Number.POSITIVE_INFINITY;
  for (const { gapMs, thereMs, backMs } of list) {
    const sentMs = nowMs + gapMs;
    nowMs = sentMs + thereMs + backMs;
    shortestThere = Math.min(shortestThere, thereMs);
    clock.heard(sentMs + thereMs + aheadMs, { sentMs, receivedMs: nowMs });
    const off = (clock.timeAt(nowMs) ?? 0) - nowMs - aheadMs;
    expect(off).toBeGreaterThanOrEqual(0);
    expect(off).toBeLessThanOrEqual(shortestThere + 1);
    last = off;
  }
  expect(last).toBe(shortestThere + 1);
});
