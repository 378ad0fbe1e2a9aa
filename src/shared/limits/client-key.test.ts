import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { ClientKeys, hashedClient, parseClientKey, plainClient } from './client-key.ts';
import type { Identifiable } from './client-key.ts';
import { IpClients } from './ip-client.ts';

const request = (clientAddress: string, headers: Record<string, string> = {}): Identifiable => ({
  clientAddress,
  header: (name) => headers[name],
});

describe('addresses', () => {
  test.each([
    ['203.0.113.7', 64, '203.0.113.7'],
    ['::ffff:203.0.113.7', 64, '203.0.113.7'],
    ['2001:db8:0:1:aaaa::7', 64, '2001:db8:0:1::/64'],
    ['2001:db8:0:1:ffff:ffff:ffff:ffff', 64, '2001:db8:0:1::/64'],
    ['2001:db8:0:2::', 64, '2001:db8:0:2::/64'],
    ['2001:db8:0:1ff::1', 56, '2001:db8:0:100::/56'],
    ['2001:db8::1', 128, '2001:db8::1/128'],
    ['64:ff9b::c633:6407', 64, '198.51.100.7'],
    ['64:ff9b::c633:6408', 96, '198.51.100.8'],
    ['64:ff9b:1:c633:64:700::', 64, '198.51.100.7'], // of 48 bits
    ['64:ff9b:1:ffc6:33:6407::', 64, '198.51.100.7'], // 56
    ['64:ff9b:1:ffff:c6:3364:700:0', 64, '198.51.100.7'], // 64
    ['64:ff9b:1:ffff::c633:6407', 64, '198.51.100.7'], // 96
    ['64:ff9b:1:ffff:ff00::c633:6407', 64, '64:ff9b:1:ffff::/64'],
    ['64:ff9b:2::c633:6407', 64, '64:ff9b:2::/64'],
    ['64:ff9b::1:c633:6407', 64, '64:ff9b::/64'],
    ['::ffff:c633:6407', 64, '198.51.100.7'],
    ['::ffff:0:c633:6407', 64, '198.51.100.7'],
    ['::1', 64, '::/64'],
    ['fe80::1', 1, '8000::/1'],
    ['', 64, 'unknown'],
    ['no:address', 64, 'unknown'],
  ])('%s under /%i is %s', (address, prefix, name) => {
    expect(new IpClients(prefix).nameOf(address)).toBe(name);
  });

  test.each([0, 129, 6.5])('a prefix of %d is refused', (prefix) => {
    expect(() => new IpClients(prefix)).toThrow(RangeError);
  });
});

describe('RATE_LIMIT_KEY', () => {
  test('is a list of sources', () => {
    expect(parseClientKey('ip')).toEqual([{ kind: 'ip' }]);
    expect(parseClientKey('header:X-Api-Key, header-plain:device-id,ip')).toEqual([
      { kind: 'header', name: 'x-api-key', plain: false },
      { kind: 'header', name: 'device-id', plain: true },
      { kind: 'ip' },
    ]);
  });

  test.each(['', 'IP', 'header', 'header:', 'header:a b', 'cookie:x', 'ip,'])('%j is refused', (text) => {
    expect(() => parseClientKey(text)).toThrow(RangeError);
  });

  test('the first one present names the client, its address where none is', () => {
    const keys = new ClientKeys(parseClientKey('header:x-api-key,header-plain:device,ip'), new IpClients(64));
    expect(keys.nameOf(request('192.0.2.1', { 'x-api-key': 'secret', device: 'd-1' }))).toBe(hashedClient('secret'));
    expect(keys.nameOf(request('192.0.2.1', { 'x-api-key': '', device: 'd-1' }))).toBe('d-1');
    expect(keys.nameOf(request('192.0.2.1'))).toBe('192.0.2.1');
    const only = new ClientKeys(parseClientKey('header:x-api-key'), new IpClients(64));
    expect(only.nameOf(request('192.0.2.1'))).toBe('192.0.2.1');
  });

  test('bearer and basic are the credentials, however they are written', () => {
    const keys = new ClientKeys(parseClientKey('bearer,basic,ip'), new IpClients(64));
    const named = (authorization: string): string | undefined => keys.nameOf(request('192.0.2.1', { authorization }));
    const tokens = ['bearer', 'BEARER', 'bEaRer'].flatMap((scheme) =>
      [' ', '  ', '\t', ' \t  '].map((blanks) => `${scheme}${blanks}t0ken`),
    );
    for (const field of [...tokens, ...tokens]) expect(named(field), field).toBe(hashedClient('t0ken'));
    for (const field of ['Basic YTpi', 'basic  YTpi', 'BASIC\tYTpi=', 'Basic YTpj', 'Basic YTpi===']) {
      expect(named(field) === hashedClient('a:b'), field).toBe(field !== 'Basic YTpj');
    }
    for (const field of ['Bearer', 'basic', 'Digest a', 'Bearert0ken', ''])
      expect(named(field), field).toBe('192.0.2.1');
    for (const field of ['Bearer a b', 'Bearer a,b', 'Bearer a\u00a0b', 'Basic YTpi x', 'Basic Y!Tpi', 'Basic YWI=']) {
      expect(named(field), field).toBeUndefined();
      expect(named(field), 'again').toBeUndefined();
    }
    expect(named('Bearer h.p.AA')).toBe(named('Bearer h.p.AB=='));
    expect(named('Bearer h.p.AA')).not.toBe(named('Bearer h.q.AA'));
  });

  test('a hash is the first 16 bytes of SHA-256 in hex', () => {
    expect(hashedClient('abc')).toBe('ba7816bf8f01cfea414140de5dae2223');
  });
});

describe('plain values', () => {
  test.each([
    ['device-7', 'device-7'],
    ['a:b', 'a%3Ab'],
    ['a b\n{}*', 'a%20b%0A%7B%7D%2A'],
    ['192.0.2.1', '%3192.0.2.1'],
    ['ba7816bf8f01cfea414140de5dae2223', '%62a7816bf8f01cfea414140de5dae2223'],
    ['unknown', '%75nknown'],
    ['é', '%C3%A9'],
  ])('%j is %j', (value, name) => {
    expect(plainClient(value)).toBe(name);
  });

  test('a long value is a hash', () => {
    expect(plainClient('x'.repeat(64))).toBe('x'.repeat(64));
    expect(plainClient('x'.repeat(65))).toBe(`%sha256-${hashedClient('x'.repeat(65))}`);
  });

  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4(), fc.stringMatching(/^%?[0-9a-f]{32}$/));
  test.prop([value, value])('are safe in a key, and two of them never the same', (a, b) => {
    expect(plainClient(a)).toMatch(/^[A-Za-z0-9._~@%-]{0,72}$/);
    const same = Buffer.from(a).equals(Buffer.from(b));
    expect(plainClient(a) === plainClient(b)).toBe(same);
  });
});
