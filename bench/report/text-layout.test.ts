import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { wrapText } from './text-layout.ts';

const text = fc.stringMatching(/^[a-z /-]{0,80}$/);
const room = fc.record({ most: fc.integer({ min: 2, max: 30 }), lines: fc.integer({ min: 1, max: 4 }) });

test.prop([text, room])('never more or longer lines than there is room for', (text, { most, lines }) => {
  const wrapped = wrapText(text, { most, lines });
  expect(wrapped.length).toBeLessThanOrEqual(lines);
  for (const line of wrapped) expect(line.length).toBeLessThanOrEqual(most);
});

test.prop([text, room])('loses nothing but blanks, or says so', (text, { most, lines }) => {
  const all = wrapText(text, { most, lines: 1000 });
  expect(all.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
  expect(wrapText(text, { most, lines }).join('').endsWith('…')).toBe(all.length > lines);
});

test('breaks after blanks, hyphens and slashes', () => {
  expect(wrapText('express + http-proxy-middleware', { most: 18, lines: 3 })).toEqual([
    'express + http-',
    'proxy-middleware',
  ]);
});
