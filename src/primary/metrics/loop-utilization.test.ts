import type { EventLoopUtilityFunction } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { LoopUtilization } from './loop-utilization.ts';

/** A thread whose loop has been busy for so long out of so long, in milliseconds. */
function loopOf(slot: number) {
  const spent = { idle: 0, active: 0 };
  const eventLoopUtilization: EventLoopUtilityFunction = (now, before) => {
    const { idle, active } = now ?? spent;
    const passed = { idle: idle - (before?.idle ?? 0), active: active - (before?.active ?? 0) };
    const all = passed.idle + passed.active;
    return { ...passed, utilization: all === 0 ? 0 : passed.active / all };
  };
  return { slot, spent, worker: { performance: { eventLoopUtilization } } };
}

test('a share is of the time since the question before, and stands while that was just now', () => {
  let nowMs = 0;
  const thread = loopOf(0);
  const loops = new LoopUtilization(() => nowMs);
  const share = (): number => loops.read([thread]).of(thread);
  Object.assign(thread.spent, { idle: 900, active: 100 });
  expect(share()).toBe(0.1);
  nowMs = 1_000;
  Object.assign(thread.spent, { idle: 1_100, active: 900 });
  expect(share()).toBe(0.8);
  nowMs += 100;
  Object.assign(thread.spent, { idle: 1_100, active: 1_000 });
  expect(share()).toBe(0.8);
  nowMs += 400;
  Object.assign(thread.spent, { idle: 1_300, active: 1_200 });
  expect(share()).toBe(0.6);
});

test('a thread that takes a slot starts anew, and the front is always there', () => {
  let nowMs = 0;
  const [first, second] = [loopOf(0), loopOf(0)];
  const loops = new LoopUtilization(() => nowMs);
  Object.assign(first.spent, { idle: 0, active: 100 });
  expect(loops.read([first]).of(first)).toBe(1);
  nowMs = 100;
  Object.assign(second.spent, { idle: 30, active: 10 });
  const shares = loops.read([second]);
  expect(shares.of(second)).toBe(0.25);
  expect(shares.front).toBeGreaterThanOrEqual(0);
  expect(shares.front).toBeLessThanOrEqual(1);
});
