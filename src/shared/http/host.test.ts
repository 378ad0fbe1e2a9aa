import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { hostWithoutPort, isValidHost } from './host.ts';

test.each([
  'localhost',
  'localhost:5000',
  'a.example.com',
  'a_b.example.com.',
  '127.0.0.1:0',
  '127.0.0.1:65535',
  '[::1]',
  'a.example:',
  '[::1]:80',
  '[::1]:',
  '[2001:DB8::7.8.9.10]:1',
  'x%C3%A9.com',
  "a~!$&'()*+;=b",
  '08',
  'xn--a',
  'a'.repeat(255),
])('valid: %s', (value) => {
  expect(isValidHost(value)).toBe(true);
});

test.each([
  '',
  ':80',
  ':',
  'a:65536',
  'a:000080',
  'a:8o',
  'a:-1',
  'a:80:80',
  'a b',
  ' a',
  'a,b',
  'user@a',
  'user:pw@a',
  'a/b',
  'a?b',
  'a#b',
  'a\\b',
  'a"',
  'a%2',
  'a%zz',
  'é.com',
  'a\u0000',
  'a\ufffd',
  '::1',
  '[::1',
  '[::1]x',
  '[1.2.3.4]',
  '[fe80::1%eth0]',
  '[v1.a]',
  '[]',
  'a'.repeat(256),
])('invalid: %j', (value) => {
  expect(isValidHost(value)).toBe(false);
});

test.each([
  ['Example.COM', 'example.com'],
  ['example.com:80', 'example.com'],
  ['example.com.', 'example.com'],
  ['example.com.:80', 'example.com'],
  ['[::1]', '[::1]'],
  ['[2001:DB8::1]:80', '[2001:db8::1]'],
  ['example.com:', 'example.com'],
  ['[::1]:', '[::1]'],
  ['.', '.'],
])('hostWithoutPort(%s) = %s', (value, expected) => {
  expect(hostWithoutPort(value)).toBe(expected);
});

prop.prop(
  [
    fc.oneof(
      fc.string(),
      fc.webAuthority(),
      fc.ipV6().map((ip) => `[${ip}]:1`),
    ),
  ],
  { numRuns: 2000 },
)('what is valid is a host to WHATWG URL too, unless URL reads more into it than a reg-name', (value) => {
  // URL decodes `%`, and refuses what ends in a label that is neither a name nor a part of an IPv4 address (`08`).
  if (!isValidHost(value) || /[%.]|^\d|xn--/i.test(value)) return;
  expect(URL.canParse(`http://${value}/`)).toBe(true);
});

prop.prop([
  fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((ip) => `[${ip}]`),
  ),
  fc.nat(65_535),
])('every host is valid with and without a port, and is the same host', (name, port) => {
  expect(isValidHost(name)).toBe(true);
  expect(isValidHost(`${name}:${port}`)).toBe(true);
  expect(hostWithoutPort(`${name}:${port}`)).toBe(hostWithoutPort(name));
});
