import { describe, expect, test } from 'vitest';
import { VerdictCache } from './verdict-cache.ts';

const entry = (): { readonly untilMs: number; used: boolean } => ({ untilMs: 0, used: false });

describe('a cache of verdicts', () => {
  test('keeps what is asked for when many new ones come', () => {
    const cache = new VerdictCache({ entries: 10, characters: 1_000 });
    cache.put('asked for', entry());
    for (let i = 0; i < 1_000; i++) {
      cache.put(`new ${i}`, entry());
      expect(cache.get('asked for')).toBeDefined();
    }
    expect(cache.size).toBe(10);
    expect(cache.get('new 998')).toBeDefined();
    expect(cache.get('new 5')).toBeUndefined();
  });

  test('has bounds when all are asked for', () => {
    const cache = new VerdictCache({ entries: 10, characters: 1_000 });
    for (let i = 0; i < 100; i++) {
      cache.put(`${i}`, entry());
      for (let j = 0; j <= i; j++) cache.get(`${j}`);
    }
    expect(cache.size).toBe(10);
  });

  test('counts characters too, also of what is put twice or deleted', () => {
    const cache = new VerdictCache({ entries: 100, characters: 100 });
    for (let i = 0; i < 50; i++) cache.put('x'.repeat(40), entry());
    cache.put('y'.repeat(40), entry());
    expect(cache.size).toBe(2);
    cache.delete('x'.repeat(40));
    cache.put('z'.repeat(60), entry());
    expect(cache.size).toBe(2);
    cache.put('longer than all'.repeat(10), entry());
    expect(cache.size).toBe(0);
  });

  test('shrinks to new bounds', () => {
    const cache = new VerdictCache({ entries: 100, characters: 1_000 });
    for (let i = 0; i < 100; i++) cache.put(`${i}`, entry());
    cache.configure({ entries: 3, characters: 1_000 });
    expect(cache.size).toBe(3);
  });

  test('never takes one for another that ends alike', () => {
    const cache = new VerdictCache({ entries: 10, characters: 1_000 });
    const end = 'e'.repeat(64);
    const first = entry();
    cache.put(`a${end}`, first);
    expect(cache.get(`b${end}`)).toBeUndefined();
    expect(cache.get(end)).toBeUndefined();
    expect(cache.get(`a${end}`)).toBe(first);
    cache.put(`b${end}`, entry());
    expect([cache.size, cache.get(`a${end}`)]).toEqual([1, undefined]);
  });
});
