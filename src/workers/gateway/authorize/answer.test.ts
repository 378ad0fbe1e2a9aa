import { expect, test } from 'vitest';
import { denialOf, isDenial, isGrant, keptMs, linesOf, setsCookies } from './answer.ts';

test('statuses are a yes, a no, or neither', () => {
  const all = Array.from({ length: 800 }, (_none, i) => i + 200);
  expect(all.filter(isGrant)).toEqual(Array.from({ length: 100 }, (_none, i) => i + 200));
  expect(all.filter(isDenial)).toEqual([301, 302, 303, 307, 308, 401, 403]);
});

test('fields are found whatever the case of their names, each line by itself', () => {
  expect(linesOf('X-User: a\r\nb: c\r\nx-user: d', new Set(['x-user']))).toBe('X-User: a\r\nx-user: d\r\n');
  expect(linesOf('', new Set(['x-user']))).toBe('');
});

test('of a no the client gets what it can use', () => {
  const fields = 'Content-Type: text/html\r\nServer: s\r\nSet-Cookie: a\r\nset-cookie: b\r\nLocation: /l\r\nX-User: u';
  expect(denialOf(302, fields, 'hi')).toEqual({
    outcome: 'denied',
    status: 302,
    lines: 'Set-Cookie: a\r\nset-cookie: b\r\nLocation: /l\r\nContent-Type: text/html\r\n',
    body: 'hi',
  });
  expect(denialOf(401, 'Content-Type: text/html\r\nWWW-Authenticate: Basic', undefined)).toEqual({
    outcome: 'denied',
    status: 401,
    lines: 'WWW-Authenticate: Basic\r\n',
    body: '',
  });
});

test.each([
  ['A: b', 10_000],
  ['Cache-Control: no-store', 0],
  ['cache-control: private, No-Store', 0],
  ['cache-control: no-cache="x-user"', 0],
  ['cache-control: private\r\ncache-control: no-cache', 0],
  ['cache-control: x-no-store-x', 10_000],
  ['cache-control: private, max-age=3', 3_000],
  ['cache-control: max-age=0', 0],
  ['cache-control: max-age=999999999', 10_000],
  ['cache-control: s-max-age=1', 10_000],
  ['x-cache-control: no-store', 10_000],
])('%j is kept for %d ms', (fields, ms) => {
  expect(keptMs(fields, 10_000)).toBe(ms);
  expect(keptMs(fields, 0)).toBe(0);
});

test('a session that begins is seen', () => {
  expect(setsCookies('a: b\r\nSet-Cookie: c')).toBe(true);
  expect(setsCookies('cookie: c')).toBe(false);
});
