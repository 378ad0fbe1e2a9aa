import { expect, test } from 'vitest';
import type { MatchConfig } from '../config/rules/types.ts';
import { meets, whatMeets } from './conditions.ts';

const match = (headers: Record<string, string>, query: Record<string, string> = {}): MatchConfig => ({
  headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
  query: Object.entries(query).map(([name, value]) => ({ name, value })),
});
const asked = (fields: readonly string[], query?: string) => ({
  host: 'h',
  method: 'GET',
  fields: fields.map((line) => `${line}\r\n`).join(''),
  query,
});

test.each([
  [['x-version: 2'], true],
  [['X-VERSION: 2'], true],
  [['a: b', 'X-Version: 2', 'c: d'], true],
  [[], false],
  [['x-version: 1'], false],
  [['x-version: 22'], false],
  [['x-version: '], false],
  [['x-versio: n: 2'], false],
  [['x-version2: 2'], false],
  [['y: x-version: 2'], false],
  [['x_version: 2'], false],
  [['x-version: 2', 'X-Version: 2'], false],
  [['x-version: 1', 'x-version: 2'], false],
])('a field: %j -> %s', (fields, expected) => {
  expect(meets(match({ 'x-version': '2' }), asked(fields))).toBe(expected);
});

test.each([
  ['beta=1', true],
  ['a=b&beta=1&c', true],
  ['%62eta=%31', true],
  ['beta=1&', true],
  [undefined, false],
  ['', false],
  ['beta', false],
  ['beta=', false],
  ['beta=11', false],
  ['Beta=1', false],
  ['a=beta=1', false],
  ['beta=1&beta=1', false],
  ['beta=1&beta=2', false],
  ['beta=2&beta=1', false],
  ['bet%&beta=1', true],
])('a parameter: %s -> %s', (query, expected) => {
  expect(meets(match({}, { beta: '1' }), asked([], query))).toBe(expected);
});

test('an empty value, and one with blanks or what is not ASCII', () => {
  expect(meets(match({}, { beta: '' }), asked([], 'beta'))).toBe(true);
  expect(meets(match({}, { beta: '' }), asked([], 'x&beta='))).toBe(true);
  expect(meets(match({}, { q: 'ä b' }), asked([], 'q=%C3%A4+b'))).toBe(true);
  expect(meets(match({}, { q: 'a=b' }), asked([], 'q=a=b'))).toBe(true);
});

test('all conditions must hold, and what is made to meet them does', () => {
  const both = match({ a: '1', b: '2' }, { c: '3 &=', d: 'é' });
  expect(meets(both, { host: 'h', method: 'GET', ...whatMeets(both) })).toBe(true);
  expect(meets(both, asked(['a: 1', 'b: 2'], 'c=3+%26%3D'))).toBe(false);
  expect(meets(both, asked(['a: 1'], 'c=3+%26%3D&d=%C3%A9'))).toBe(false);
});
