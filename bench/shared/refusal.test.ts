import { describe, expect, it } from 'vitest';
import { slowGenerator, speedRefusal } from './refusal.ts';
import type { CaseRuns } from './load-case.ts';
import { runOf } from './run.fixture.ts';

const facts = { ceilingPerSecond: undefined, onLoadCore: [], threads: 1 };
const busy = (subject: number, load: number, upstream = 0): ReturnType<typeof runOf> =>
  runOf('gateway', 1, { busyCores: { gateway: subject, load, upstream } });

describe('speedRefusal', () => {
  it('lets a subject at its limit speak, and one that neither side limits', () => {
    expect(speedRefusal([busy(0.99, 0.6)], facts)).toBeUndefined();
    expect(speedRefusal([busy(0.97, 0.96)], facts)).toBeUndefined();
    expect(speedRefusal([busy(0.3, 0.4)], facts)).toBeUndefined();
  });

  it('refuses when the load was busy and the subject was not', () => {
    expect(speedRefusal([busy(0.62, 0.98)], facts)).toBe('gateway: the load generator was 98 % busy, gateway 62 %');
  });

  it('adds who shares the core of the load, and no one else', () => {
    const run = busy(0.62, 0.6, 0.38);
    expect(speedRefusal([run], facts)).toBeUndefined();
    expect(speedRefusal([run], { ...facts, onLoadCore: ['upstream', 'redis'] })).toBe(
      'gateway: the core of the load (load, upstream) was 98 % busy, gateway 62 %',
    );
  });

  it('knows that a subject with two threads has two cores to fill', () => {
    expect(speedRefusal([busy(1, 0.96)], { ...facts, threads: 2 })).toContain('gateway 50 %');
  });

  it('refuses what is near the ceiling of the load alone', () => {
    const run = runOf('gateway', 1, { requestsPerSecond: 900 });
    expect(speedRefusal([run], { ...facts, ceilingPerSecond: 1001 })).toBeUndefined();
    expect(speedRefusal([run], { ...facts, ceilingPerSecond: 1000 })).toContain('900 req/s is what the load generator');
  });

  it('goes by the median round, and needs one', () => {
    expect(speedRefusal([busy(0.5, 0.99), busy(0.99, 0.5), busy(0.99, 0.5)], facts)).toBeUndefined();
    expect(speedRefusal([], facts)).toBe('no run without errors');
  });
});

describe('slowGenerator', () => {
  const seen = (perSecond: number, ceilingPerSecond: number | undefined): CaseRuns => ({
    title: 't',
    subjects: [],
    runs: [{ ...runOf('a', 1, {}), requestsPerSecond: perSecond }],
    ceilingPerSecond,
    onLoadCore: [],
  });

  it('is content with a load that alone is twice as fast', () => {
    expect(slowGenerator(seen(1000, 2000), 'a')).toBeUndefined();
  });

  it('says how fast the two are, or that nobody knows', () => {
    expect(slowGenerator(seen(1000, 1999), 'a')).toBe(
      'a 1000 req/s, the load generator alone 1999, which is not 2 times as many',
    );
    expect(slowGenerator(seen(1000, undefined), 'a')).toContain('an unknown number');
    expect(slowGenerator(seen(1000, 5000), 'b')).toBe('no run without errors');
  });
});
