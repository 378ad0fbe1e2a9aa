import { expect, test } from 'vitest';
import { hashedClient, parseClientKey, plainClient } from './client-key.ts';
import { meantClients } from './client-names.ts';

const rules = (key: string, ipv6Prefix = 64) => ({ key: parseClientKey(key), ipv6Prefix });

test('an address is its bucket, an IPv6 one its network, however it is written', () => {
  expect(meantClients('10.0.0.1', rules('ip'))).toMatchObject({ fresh: '10.0.0.1', address: '10.0.0.1' });
  const six = meantClients('2001:DB8:0:1:0:0:0:7', rules('ip', 48));
  expect(six).toEqual({ names: ['2001:db8::/48'], fresh: '2001:db8::/48', address: '2001:db8:0:1::7' });
  expect(meantClients('2001:db8::/48', rules('ip', 48))).toMatchObject({
    names: ['2001:db8::/48'],
    fresh: '2001:db8::/48',
  });
  expect(meantClients('2001:db8:0:1::/48', rules('ip', 48))).toEqual({
    names: [],
    fresh: undefined,
    address: undefined,
  });
  expect(meantClients('::ffff:10.0.0.1', rules('ip')).fresh).toBe('10.0.0.1');
});

test("a header's value is looked for as it is, plain and hashed", () => {
  const hashed = meantClients('secret key', rules('header:x-api-key'));
  expect(hashed.names).toEqual([plainClient('secret key'), hashedClient('secret key')]);
  expect(hashed.fresh).toBe(hashedClient('secret key'));
  expect(meantClients(hashedClient('k'), rules('header:x-api-key')).fresh).toBe(hashedClient('k'));
  const plain = meantClients('device-7', rules('header-plain:device,ip'));
  expect(plain.names).toEqual(['device-7', hashedClient('device-7')]);
  expect(plain.fresh).toBe('device-7');
  expect(meantClients('a b', rules('header-plain:device')).fresh).toBe('a%20b');
});

test('credentials are looked for as they are told of: the token, user:password', () => {
  expect(meantClients('t0ken', rules('bearer,ip')).fresh).toBe(hashedClient('t0ken'));
  expect(meantClients('h.p.AB==', rules('bearer')).fresh).toBe(hashedClient('h.p.AA'));
  expect(meantClients('alice:secret', rules('basic')).fresh).toBe(hashedClient('alice:secret'));
});

test('where only addresses name clients, nothing else can be a new one', () => {
  expect(meantClients('typo', rules('ip'))).toEqual({ names: ['typo'], fresh: undefined, address: undefined });
  expect(meantClients('unknown', rules('ip')).fresh).toBe('unknown');
  expect(meantClients('', rules('header-plain:device'))).toEqual({ names: [], fresh: undefined, address: undefined });
  expect(meantClients('a:b{c}', rules('ip')).names).toEqual([]);
});

test('a consumer is meant by its name, unless that is an address', () => {
  const rules = { key: [{ kind: 'consumer' }, { kind: 'ip' }] as const, ipv6Prefix: 64 };
  expect(meantClients('acme', rules)).toMatchObject({ fresh: 'consumer=acme' });
  expect(meantClients('acme', rules).names).toContain('consumer=acme');
  expect(meantClients('consumer=acme', rules).fresh).toBe('consumer=acme');
  expect(meantClients('a:b/7', rules).fresh).toBe('consumer=a%3Ab%2F7');
  expect(meantClients('10.0.0.1', rules).fresh).toBe('10.0.0.1');
});
