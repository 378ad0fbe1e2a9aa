import { expect, test } from 'vitest';
import type { Priority } from '../../../shared/overload/priority.ts';
import { LoopShedding } from './loop-shedding.ts';

/** A thread whose ticks come late or not, and so many requests of each priority between two of them. */
function threadOf(perTick: readonly number[] = [0, 10, 0], lateMs = 100) {
  const shedding = new LoopShedding(lateMs);
  let nowMs = 0;
  let refused = [0, 0, 0];
  const tick = (latenessMs: number): void => {
    nowMs += 50 + latenessMs;
    shedding.tick(nowMs, latenessMs);
    for (const [priority, count] of perTick.entries()) {
      for (let i = 0; i < count; i++) {
        if (shedding.refuses(priority as Priority)) refused[priority] = (refused[priority] ?? 0) + 1;
      }
    }
  };
  return {
    shedding,
    /** So long with ticks that late. */
    pass: (ms: number, latenessMs: number): void => {
      const untilMs = nowMs + ms;
      while (nowMs < untilMs) tick(latenessMs);
    },
    /** What was refused since the last look. */
    refused: (): readonly number[] => {
      const before = refused;
      refused = [0, 0, 0];
      return before;
    },
    came: (ms: number, latenessMs: number): number =>
      Math.ceil(ms / (50 + latenessMs)) * perTick.reduce((a, b) => a + b),
  };
}

test('in time nothing is refused, and a short fit of lateness changes nothing', () => {
  const { pass, refused, shedding } = threadOf();
  pass(10_000, 90);
  pass(700, 150);
  pass(5_000, 0);
  expect(shedding.percent).toBe(0);
  expect(refused()).toEqual([0, 0, 0]);
});

test('after a second of lateness the share grows by ten percent a second, up to ninety', () => {
  const { pass, shedding } = threadOf();
  pass(5_000, 0);
  pass(1_000, 150);
  const first = shedding.percent;
  expect(first).toBeLessThanOrEqual(2);
  pass(3_000, 150);
  expect(shedding.percent - first).toBeCloseTo(30, 5);
  pass(60_000, 150);
  expect(shedding.percent).toBe(90);
});

test('it shrinks as fast once ticks are in time, after a second', () => {
  const { pass, refused, shedding } = threadOf();
  pass(4_000, 150);
  const most = shedding.percent;
  pass(1_000, 0);
  expect(shedding.percent).toBeGreaterThan(most - 1);
  pass(20_000, 0);
  expect(shedding.percent).toBe(0);
  refused();
  pass(5_000, 0);
  expect(refused()).toEqual([0, 0, 0]);
});

test('the share of all is refused, and by no chance', () => {
  const { pass, refused, shedding, came } = threadOf([0, 10, 0]);
  pass(20_000, 150);
  expect(shedding.percent).toBe(90);
  refused();
  pass(10_000, 150);
  expect(refused()[1]).toBeCloseTo(came(10_000, 150) * 0.9, -1);
});

test('low goes before normal before high', () => {
  const { pass, refused, shedding } = threadOf([4, 3, 3]);
  while (shedding.percent < 25) pass(200, 150);
  pass(1_000, 0); // the share is what it was
  refused();
  pass(600, 90);
  const [high = 0, normal = 0, low = 0] = refused();
  expect([high, normal]).toEqual([0, 0]);
  expect(low).toBeGreaterThan(0);
  while (shedding.percent < 50) pass(200, 150);
  refused();
  pass(600, 150);
  const later = refused();
  expect(later[0]).toBe(0);
  expect(later[1]).toBeGreaterThan(0);
  expect(later[2]).toBe(9); // all of them
  while (shedding.percent < 85) pass(200, 150);
  pass(1_000, 150);
  refused();
  pass(1_000, 150);
  const last = refused();
  expect(last[0]).toBeGreaterThan(0);
  expect(last[0]).toBeLessThan(20);
  expect(last.slice(1)).toEqual([15, 15]);
});

test('where it is off nothing is refused, however late it is; and switched off it forgets', () => {
  const off = threadOf([1, 1, 1], 0);
  off.pass(20_000, 500);
  expect(off.shedding.isOn).toBe(false);
  expect(off.refused()).toEqual([0, 0, 0]);
  const on = threadOf();
  on.pass(5_000, 150);
  on.shedding.configure(0);
  on.refused();
  on.pass(5_000, 150);
  expect(on.refused()).toEqual([0, 0, 0]);
});
