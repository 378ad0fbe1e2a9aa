import { expect, test } from 'vitest';
import { parseRouteHost, parseServerName } from './addresses.ts';

test.each([
  ['Api.Example.com.', 'api.example.com'],
  ['*.example.com.', '*.example.com'],
])('a dot at the end of a route’s host means nothing: %s', (text, value) => {
  expect(parseRouteHost(text)).toEqual({ ok: true, value });
});

test('nor at the end of a name for SNI', () => {
  expect(parseServerName('api.example.com.')).toEqual({ ok: true, value: 'api.example.com' });
});

test.each(['.', 'a..', '*.'])('%s is no host name', (text) => {
  expect([parseRouteHost(text).ok, parseServerName(text).ok]).toEqual([false, false]);
});
