import { expect, test } from 'vitest';
import { apiKeyHash } from '../../../shared/identity/api-key.ts';
import { KeyIndex } from './key-index.ts';

const hashOf = (n: number): string => apiKeyHash(`key ${n}`);

test('what is set is found, what is set anew has its new place, and nothing else is there', () => {
  const index = new KeyIndex(4);
  for (let n = 0; n < 5_000; n++) index.set(hashOf(n), { offset: n * 10, rank: 1 });
  for (let n = 0; n < 5_000; n += 2) index.set(hashOf(n), { offset: n * 10 + 100_000, rank: 2 ** 31 + 7 });
  expect(index.size).toBe(5_000);
  for (let n = 0; n < 5_000; n++) {
    const even = n % 2 === 0;
    expect(index.offsetOf(hashOf(n))).toBe(n * 10 + (even ? 100_000 : 0));
    expect(index.rankOf(hashOf(n))).toBe(even ? 2 ** 31 + 7 : 1);
  }
  expect(index.offsetOf(hashOf(5_000))).toBe(-1);
  expect(index.rankOf(hashOf(5_000))).toBe(0);
});

test('the first record of a file has a place too', () => {
  const index = new KeyIndex();
  index.set(hashOf(1), { offset: 0, rank: 1 });
  expect(index.offsetOf(hashOf(1))).toBe(0);
  expect([...index.offsets()]).toEqual([0]);
});

test('offsets come in the order of the file', () => {
  const index = new KeyIndex();
  for (const offset of [900, 5, 70, 4_000_000_000, 13]) index.set(hashOf(offset), { offset, rank: 1 });
  expect([...index.offsets()]).toEqual([5, 13, 70, 900, 4_000_000_000]);
});
