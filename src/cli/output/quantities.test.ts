import { expect, test } from 'vitest';
import { bytes, count, duration, figure, milliseconds, percent } from './quantities.ts';

test.each([
  [0, '0s'],
  [0.04, '0.1s'],
  [2.31, '2.4s'],
  [59, '59s'],
  [60, '1m'],
  [61, '1m 1s'],
  [3600, '1h'],
  [3_661, '1h 1m'],
  [86_400 * 3 + 7_300, '3d 2h'],
])('%f seconds are %s', (seconds, words) => expect(duration(seconds)).toBe(words));

test.each([
  [0.042, '0.04 ms'],
  [1.25, '1.3 ms'],
  [42.4, '42 ms'],
  [1_500, '1.50 s'],
  [12_345, '12 s'],
])('%f milliseconds are %s', (ms, words) => expect(milliseconds(ms)).toBe(words));

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [256 * 1024 ** 2, '256 MiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
])('%d bytes are %s', (value, words) => expect(bytes(value)).toBe(words));

test('numbers are as short as their size allows', () => {
  expect([0.256, 12.34, 1234.5].map(figure)).toEqual(['0.26', '12.3', '1,235']);
  expect(count(1_234_567)).toBe('1,234,567');
  expect([0, 0.0004, 0.05, 1].map(percent)).toEqual(['0.0%', '<0.1%', '5.0%', '100.0%']);
});
