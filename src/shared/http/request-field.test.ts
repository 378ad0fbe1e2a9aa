import { fc, test as prop } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { CLAIM_NAMES, CLAIM_PREFIXES, isForwardingClaim } from './forwarding-claim.ts';
import * as kinds from './request-field.ts';

const KIND: Readonly<Record<string, number>> = {
  te: kinds.TE,
  via: kinds.VIA,
  host: kinds.HOST,
  expect: kinds.EXPECT,
  upgrade: kinds.UPGRADE,
  trailer: kinds.DROP,
  forwarded: kinds.FORWARDED,
  connection: kinds.CONNECTION,
  'keep-alive': kinds.DROP,
  'x-real-ip': kinds.X_REAL_IP,
  'x-request-id': kinds.X_REQUEST_ID,
  'x-request-attempt': kinds.DROP,
  'content-length': kinds.CONTENT_LENGTH,
  'http2-settings': kinds.DROP,
  'x-forwarded-for': kinds.X_FORWARDED_FOR,
  'x-forwarded-host': kinds.X_FORWARDED_HOST,
  proxy: kinds.DROP,
  'proxy-connection': kinds.DROP,
  'x-forwarded-proto': kinds.X_FORWARDED_PROTO,
  'transfer-encoding': kinds.TRANSFER_ENCODING,
  'proxy-authorization': kinds.DROP,
};

test.each(Object.entries(KIND))('%s is kind %i', (name, kind) => {
  expect(kinds.requestFieldKind(name)).toBe(kind);
});

test('the list of notable names has exactly those that are neither simply forwarded nor claims', () => {
  expect([...kinds.NOTABLE_NAMES]).toEqual(Object.keys(KIND).sort());
});

test('kinds differ from each other', () => {
  const numbers = Object.values(kinds).filter((value) => typeof value === 'number');
  expect(new Set(numbers).size).toBe(17);
});

test.each([
  'user-agent',
  'accept',
  'accept-encoding',
  'cookie',
  'authorization',
  'content-type',
  'traceparent',
  'x-forwardedfor',
  'x-original-filename',
])('%s is forwarded', (name) => {
  expect(kinds.requestFieldKind(name)).toBe(kinds.FORWARD);
});

test.each([...CLAIM_NAMES, ...CLAIM_PREFIXES.map((prefix) => `${prefix}anything`)])('%s is a claim', (name) => {
  expect(kinds.requestFieldKind(name)).toBe(kinds.CLAIM);
});

test.each(['x-consumer-id', 'x-consumer-profile', 'x-consumer-groups', 'x-consumer-anything'])(
  '%s is dropped',
  (name) => {
    expect(kinds.requestFieldKind(name)).toBe(kinds.DROP);
  },
);

prop.prop([fc.constantFrom(...Object.keys(KIND)), fc.nat(18), fc.constantFrom('x', '-', '')])(
  'a name that differs in one character is another field',
  (name, at, character) => {
    const other = name.slice(0, at) + character + name.slice(at + 1);
    expect(kinds.requestFieldKind(other)).toBe(KIND[other] ?? (isForwardingClaim(other) ? kinds.CLAIM : kinds.FORWARD));
  },
);

test('hop-by-hop fields are exactly those of RFC 9110 7.6.1, their old relatives and what proxies say of themselves', () => {
  expect(Object.keys(KIND).filter(kinds.isHopByHop).sort()).toEqual([
    'connection',
    'http2-settings',
    'keep-alive',
    'proxy',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'x-request-attempt',
  ]);
});
