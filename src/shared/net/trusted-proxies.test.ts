import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { TrustedProxies } from './trusted-proxies.ts';

test('nobody by default', () => {
  const nobody = new TrustedProxies([]);
  expect(nobody.empty).toBe(true);
  expect(nobody.isTrusted('127.0.0.1')).toBe(false);
});

test.each([
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '::ffff:a01:203', true],
  ['::ffff:10.0.0.0/104', '10.1.2.3', true],
  ['::ffff:10.0.0.0/104', '11.1.2.3', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1', '192.0.2.2', false],
  ['fd00::/8', 'FD12::1', true],
  ['fd00::/8', '10.0.0.1', false],
  ['::1', '0:0:0:0:0:0:0:1', true],
  ['::/0', '2001:db8::1', true],
  ['::/0', '10.0.0.1', false],
  ['0.0.0.0/0', '255.1.2.3', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['10.0.0.0/8', '', false],
  ['10.0.0.0/8', '10.0.0.1, 1.1.1.1', false],
  ['10.0.0.0/8', 'localhost', false],
])('%s trusts %s: %s', (cidr, ip, expected) => {
  const proxies = new TrustedProxies([cidr]);
  expect(proxies.empty).toBe(false);
  // Twice: the second answer comes from the cache.
  expect([proxies.isTrusted(ip), proxies.isTrusted(ip)]).toEqual([expected, expected]);
});

test.each([
  '',
  'localhost',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '::/129',
  'fe80::1%eth0',
  '::ffff:10.0.0.0/8',
])('not a range: %j', (cidr) => {
  expect(() => new TrustedProxies([cidr])).toThrow(RangeError);
});

const bits = (ip: string): number => ip.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);

prop.prop([fc.ipV4(), fc.nat(32), fc.record({ other: fc.ipV4(), near: fc.nat(32) })])(
  'a range is the addresses that share its first bits',
  (base, width, { other, near }) => {
    // An address that shares at least `near` bits with the base, so that both answers are common.
    const mask = 2 ** (32 - near);
    const ip = Math.floor(bits(base) / mask) * mask + (bits(other) % mask);
    const text = [24, 16, 8, 0].map((shift) => Math.floor(ip / 2 ** shift) % 256).join('.');
    const size = 2 ** (32 - width);
    const expected = Math.floor(ip / size) === Math.floor(bits(base) / size);
    expect(new TrustedProxies([`${base}/${width}`]).isTrusted(text)).toBe(expected);
  },
);

test('the cache forgets rather than grows, and stays right', () => {
  const proxies = new TrustedProxies(['10.0.0.0/16']);
  for (let i = 0; i < 3000; i++) expect(proxies.isTrusted(`10.${i % 2}.${i >> 8}.${i & 255}`)).toBe(i % 2 === 0);
});
