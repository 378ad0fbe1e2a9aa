import { describe, expect, test } from 'vitest';
import { decisionFromLevels } from './decision.ts';
import type { Decision } from './decision.ts';
import { policyValue, rateLimitFields } from './rate-limit-headers.ts';
import type { RateLimitHeaderMode } from './rate-limit-headers.ts';
import { compileRule } from './rule.ts';
import type { Lane } from './rule.ts';

const lane: Lane = {
  cost: 1,
  rules: [
    compileRule({ name: '', capacity: 1000, refillPerSecond: 100 }),
    compileRule({ name: 'daily', capacity: 5000, refillPerSecond: 0.05 }),
  ],
};

function fields(decision: Decision, mode: RateLimitHeaderMode = 'both'): Record<string, string> {
  const lines = rateLimitFields(decision, { mode, policy: policyValue(lane.rules) }).split('\r\n');
  expect(lines.pop()).toBe(''); // each line ends in CRLF
  return Object.fromEntries(lines.map((line) => line.split(': ', 2)) as [string, string][]);
}

const decide = (left: number[], outcome: 'granted' | 'refused'): Decision =>
  decisionFromLevels(lane, left, { outcome, mode: 'store', laterTokens: 0 });

describe('rate limit fields', () => {
  test('a granted request is told the tightest bucket and when it is full', () => {
    expect(fields(decide([300.5, 4_000], 'granted'))).toEqual({
      'ratelimit-policy': '"default";q=1000;w=10, "daily";q=5000;w=100000',
      ratelimit: '"default";r=300;t=7',
      'x-ratelimit-limit': '1000',
      'x-ratelimit-remaining': '300',
      'x-ratelimit-reset': '7',
    });
  });

  test('a refused one when the same request would pass, by the rule that makes it wait longest', () => {
    expect(fields(decide([0.4, 0.9], 'refused'))).toEqual({
      'retry-after': '2',
      'ratelimit-policy': '"default";q=1000;w=10, "daily";q=5000;w=100000',
      ratelimit: '"daily";r=0;t=2',
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '2',
    });
  });

  test('Retry-After is never 0, and the rounding of a level does not add a second', () => {
    expect(fields(decide([0.999_999, 10], 'refused'))['retry-after']).toBe('1');
    expect(fields(decide([10, 0.949_999_9], 'refused'))['retry-after']).toBe('1');
    expect(fields(decide([10, 0.949], 'refused'))['retry-after']).toBe('2');
  });

  test('the mode chooses the fields', () => {
    const names = (mode: RateLimitHeaderMode): string[] => Object.keys(fields(decide([5, 5], 'granted'), mode));
    expect(names('draft')).toEqual(['ratelimit-policy', 'ratelimit']);
    expect(names('legacy')).toEqual(['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']);
    expect(names('off')).toEqual([]);
    expect(Object.keys(fields(decide([0, 5], 'refused'), 'off'))).toEqual(['retry-after']);
  });

  test('nothing is claimed where no bucket was asked', () => {
    const closed: Decision = {
      ...decide([0, 0], 'refused'),
      outcome: 'unavailable',
      mode: 'closed',
      retryAfterMs: 1_000,
    };
    expect(fields(closed)).toEqual({ 'retry-after': '1' });
    expect(fields({ ...closed, outcome: 'granted', mode: 'open' })).toEqual({});
  });
});

describe('rules', () => {
  test.each([
    [{ name: 'A', capacity: 1, refillPerSecond: 1 }, 'rule name'],
    [{ name: 'a:b', capacity: 1, refillPerSecond: 1 }, 'rule name'],
    [{ name: '', capacity: 1.5, refillPerSecond: 1 }, 'capacity'],
    [{ name: '', capacity: -1, refillPerSecond: 1 }, 'capacity'],
    [{ name: '', capacity: 1, refillPerSecond: 0 }, 'refill rate'],
    [{ name: '', capacity: 1, refillPerSecond: Number.NaN }, 'refill rate'],
  ])('%j is refused', (spec, part) => {
    expect(() => compileRule(spec)).toThrow(part);
  });
});
