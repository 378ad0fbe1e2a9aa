import { expect, test } from 'vitest';
import { bytes, clock, duration, figure, latency, percent } from './format.ts';

test.each([
  [undefined, '–'],
  [0, '0'],
  [0.01, '<0.1'],
  [3, '3'],
  [3.14, '3.1'],
  [42.4, '42'],
  [1_240, '1,240'],
  [18_240, '18.2k'],
  [2_500_000, '2.5M'],
])('figure %j: %s', (value, text) => expect(figure(value)).toBe(text));

test.each([
  [0, '0 %'],
  [0.000_1, '<0.1 %'],
  [0.042, '4.2 %'],
  [0.5, '50 %'],
  [null, '–'],
])('share %j: %s', (value, text) => expect(percent(value)).toBe(text));

test.each([
  [0, '0 ms'],
  [0.000_25, '0.25 ms'],
  [0.004_2, '4.2 ms'],
  [0.25, '250 ms'],
  [2.5, '2.50 s'],
  [null, '–'],
])('latency %j: %s', (value, text) => expect(latency(value)).toBe(text));

test.each([
  [512, '512 B'],
  [1_536, '1.5 KiB'],
  [200 * 1024 * 1024, '200 MiB'],
  [null, '–'],
])('%j bytes: %s', (value, text) => expect(bytes(value)).toBe(text));

test.each([
  [0, '0 s'],
  [59, '59 s'],
  [125, '2 min 5 s'],
  [3_600, '1 h'],
  [190_000, '2 d 4 h'],
])('%d seconds: %s', (value, text) => expect(duration(value)).toBe(text));

test('a time of another day has its date', () => {
  expect(clock('2026-03-04T10:00:00Z', '2026-03-04T11:00:00Z')).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(clock('2026-03-01T10:00:00Z', '2026-03-04T11:00:00Z')).toMatch(/^2026-03-01 /);
});
