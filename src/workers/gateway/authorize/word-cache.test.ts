import { describe, expect, test } from 'vitest';
import type { Denied } from './answer.ts';
import { WordCache } from './word-cache.ts';

const granted = (lines = '') => ({ outcome: 'granted', lines }) as const;
const denied = (body: string): Denied => ({ outcome: 'denied', status: 401, lines: '', body });

describe('what is known', () => {
  test('is known until its time is over, and not a moment longer', () => {
    const cache = new WordCache(10);
    cache.put('a', granted('x-user: é\r\n'), { nowMs: 1_000, keptMs: 500 });
    expect(cache.get('a', 1_499)).toEqual(granted('x-user: é\r\n'));
    expect(cache.get('a', 1_500)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  test('after an hour of silence is nothing', () => {
    const cache = new WordCache(10);
    for (const key of ['a', 'b', 'c']) cache.put(key, denied('no'), { nowMs: 0, keptMs: 1_000 });
    cache.tick(999);
    expect(cache.size).toBe(3);
    cache.tick(3_600_000);
    expect(cache.size).toBe(0);
  });

  test('said anew takes the place of what was said', () => {
    const cache = new WordCache(10);
    cache.put('a', granted(), { nowMs: 0, keptMs: 1_000 });
    cache.put('a', denied('no'), { nowMs: 1, keptMs: 10 });
    expect(cache.get('a', 2)).toEqual(denied('no'));
    expect(cache.size).toBe(1);
  });
});

describe('bounds', () => {
  test('of number: the oldest goes', () => {
    const cache = new WordCache(3);
    for (const key of ['a', 'b', 'c', 'd']) cache.put(key, granted(), { nowMs: 0, keptMs: 1_000 });
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key, 0) !== undefined)).toEqual([false, true, true, true]);
    cache.configure(1);
    expect(cache.size).toBe(1);
  });

  test('of size: however long the answers are', () => {
    const cache = new WordCache(1_000_000);
    const page = 'x'.repeat(64 * 1024);
    for (let i = 0; i < 1_000; i++) cache.put(`${i}`, denied(page), { nowMs: 0, keptMs: 1_000 });
    expect(cache.size).toBeLessThan(130);
    expect(cache.size).toBeGreaterThan(100);
    expect(cache.get('999', 0)).toBeDefined();
    cache.clear();
    for (let i = 0; i < 1_000; i++) cache.put(`${i}`, granted(), { nowMs: 0, keptMs: 1_000 });
    expect(cache.size).toBe(1_000);
  });
});
