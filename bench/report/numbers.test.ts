import { expect, it } from 'vitest';
import { formatChange, formatChosen, formatNumber, formatSpread } from './numbers.ts';

it.each([
  [0, '0'],
  [3, '3'],
  [12_345_678, '12,345,678'],
  [12.3456, '12.35'],
  [1234.56, '1,235'],
  [0.012_345, '0.01235'],
  [-7.5, '-7.500'],
  [0.000_012_34, '1.234e-5'],
  [Number.NaN, '–'],
])('%d reads %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

it('gives the spread only where there is one', () => {
  expect(formatSpread([2.5])).toBe('2.500');
  expect(formatSpread([3.5, 2.5, 2.75])).toBe('2.750 (2.500–3.500)');
  expect(formatSpread([])).toBe('–');
});

it('gives chosen numbers as they were chosen, and changes with their sign', () => {
  expect([formatChosen(1.15), formatChosen(6), formatChosen(0)]).toEqual(['1.15', '6', '0']);
  expect([formatChange(1.031), formatChange(0.5)]).toEqual(['+3.1 %', '−50.0 %']);
});
