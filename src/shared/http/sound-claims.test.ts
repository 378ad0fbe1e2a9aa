import { expect, test } from 'vitest';
import { soundClaims } from './sound-claims.ts';

test.each([
  'X-Forwarded-Port: 443',
  'x-forwarded-port: 443, 80',
  'X-Forwarded-Prefix: /shop/a%2Fb',
  'X-Forwarded-Server: edge.example',
  'X-Forwarded-Ssl: On',
  'X-Scheme: HTTPS',
  'True-Client-IP: 2001:db8::1',
  'CF-Connecting-IP: 203.0.113.9',
  'X-Original-URL: /a?b<c',
  'X-Forwarded-User: <anything>',
])('%s is passed on as it came', (line) => {
  expect(soundClaims(`A: 1\r\n${line}\r\nB: 2\r\n`)).toBe(`A: 1\r\n${line}\r\nB: 2\r\n`);
});

test.each([
  'X-Forwarded-Port: 0',
  'X-Forwarded-Port: 65536',
  'X-Forwarded-Port: ',
  'X-Forwarded-Port: 443, x',
  'X-Forwarded-Prefix: //evil.example',
  'X-Forwarded-Prefix: /a//b',
  'X-Forwarded-Prefix: /a/../b',
  'X-Forwarded-Prefix: https://evil.example',
  'X-Forwarded-Prefix: /"><script>',
  'X-Forwarded-Server: a b',
  'X-Forwarded-Ssl: maybe',
  'X-Forwarded-Scheme: javascript',
  'TRUE-CLIENT-IP: unknown',
  'CF-Connecting-IP: 1.2.3.4, x',
])('%j is not', (line) => {
  expect(soundClaims(`A: 1\r\n${line}\r\nB: 2\r\n`)).toBe('A: 1\r\nB: 2\r\n');
});
