import { describe, expect, it } from 'vitest';
import { planSoak } from './plan.ts';

describe('planSoak', () => {
  it('has all faults twice in the first quarter of ten minutes, and time to recover between them', () => {
    const { events, downSeconds, recoverySeconds, seconds } = planSoak(600);
    const early = events.filter(({ atSeconds }) => atSeconds < seconds / 4).map(({ action }) => action);
    expect(early).toEqual([
      'reload',
      'upstream restart',
      'Redis restart',
      'reload',
      'upstream restart',
      'Redis restart',
    ]);
    const times = [...events.map(({ atSeconds }) => atSeconds), seconds];
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(downSeconds + recoverySeconds);
  });

  it.each([4, 30, 90, 36_000])('of %d s has every fault, in order and within the time', (seconds) => {
    const { events } = planSoak(seconds);
    expect(new Set(events.map(({ action }) => action)).size).toBe(3);
    expect(events.toSorted((a, b) => a.atSeconds - b.atSeconds)).toEqual(events);
    expect(events.at(-1)?.atSeconds).toBeLessThan(seconds);
  });
});
