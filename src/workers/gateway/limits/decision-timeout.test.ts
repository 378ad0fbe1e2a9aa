import { describe, expect, test } from 'vitest';
import { DecisionTimeout } from './decision-timeout.ts';

function setUp(bounds = { startMs: 10, maxMs: 50 }) {
  const time = { ms: 1_000 };
  const said: (readonly [boolean, number])[] = [];
  const timeout = new DecisionTimeout({
    clock: () => time.ms,
    ...bounds,
    onFar: (isFar, fastestMs) => said.push([isFar, fastestMs]),
  });
  const answered = (ms: number, times = 1): void => {
    for (let i = 0; i < times; i++) timeout.answered(ms);
  };
  return { time, said, timeout, answered };
}

describe('the time-out of decisions', () => {
  test('is the start as long as Redis is quick', () => {
    const { timeout, answered } = setUp();
    answered(0.3, 1_000);
    expect(timeout.ms).toBe(10);
  });

  test('rises at once to twice what 99 of 100 take, and never beyond its bound', () => {
    const { timeout, answered } = setUp();
    answered(15);
    expect(timeout.ms).toBe(30);
    answered(80);
    expect(timeout.ms).toBe(50);
  });

  test('one slow answer of hundreds changes nothing', () => {
    const { timeout, answered } = setUp();
    answered(1, 300);
    answered(40, 2);
    expect(timeout.ms).toBe(10);
    answered(40, 2);
    expect(timeout.ms).toBe(50);
  });

  test('falls after ten seconds in which Redis was quick', () => {
    const { time, timeout, answered } = setUp();
    answered(20);
    expect(timeout.ms).toBe(40);
    const seen: number[] = [];
    for (let i = 0; i < 20; i++) {
      time.ms += 1_000;
      answered(1, 200);
      seen.push(timeout.ms);
    }
    expect(seen.slice(0, 9)).toEqual(Array(9).fill(40));
    expect(timeout.ms).toBe(10);
  });

  test('says once that Redis is far, and once that it no longer is; a busy machine is not a far Redis', () => {
    const { time, said, answered } = setUp();
    answered(15, 19);
    expect(said).toEqual([]);
    answered(15, 500);
    time.ms += 10_000;
    answered(16, 500);
    expect(said).toEqual([[true, 15]]);
    time.ms += 10_000;
    answered(30, 10);
    answered(9, 10);
    time.ms += 10_000;
    answered(40, 100);
    expect(said).toEqual([
      [true, 15],
      [false, 9],
      [true, 40],
    ]);
  });

  test('does not say of a Redis beyond the bound, which is not asked, that it is far and asked', () => {
    const { time, said, answered } = setUp();
    answered(80, 30);
    time.ms += 10_000;
    answered(30, 20);
    time.ms += 10_000;
    answered(80, 20);
    expect(said).toEqual([[true, 30]]);
  });

  test('does not adapt where start and bound are the same', () => {
    const { timeout, answered } = setUp({ startMs: 100, maxMs: 100 });
    answered(90, 10);
    expect(timeout.ms).toBe(100);
  });
});
