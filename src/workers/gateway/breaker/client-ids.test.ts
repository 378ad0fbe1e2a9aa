import { expect, test } from 'vitest';
import { highOf, lowOf } from '../../../shared/breaker/client-table.ts';
import { ClientIds } from './client-ids.ts';

const idOf = (address: string): string => new ClientIds().of(address).text;

test('a client is an address, and an IPv6 address its /64; every node names it alike', () => {
  expect(idOf('203.0.113.7')).toBe(idOf('203.0.113.7'));
  expect(idOf('203.0.113.7')).not.toBe(idOf('203.0.113.8'));
  expect(idOf('2001:db8:1:2::3')).toBe(idOf('2001:db8:1:2:ffff::9'));
  expect(idOf('2001:db8:1:2::3')).not.toBe(idOf('2001:db8:1:3::3'));
  expect(idOf('')).toMatch(/^[0-9a-f]{16}$/); // nobody knows who it is: one client
});

test('its words and its text are the same thing, and the first word is never 0', () => {
  const ids = new ClientIds();
  const wrong: string[] = [];
  for (let i = 0; i < 10_000; i++) {
    const { low, high, text } = ids.of(`10.0.${i >> 8}.${i & 255}`);
    if (lowOf(text) !== low || highOf(text) !== high || low === 0) wrong.push(text);
  }
  expect(wrong).toEqual([]);
});
