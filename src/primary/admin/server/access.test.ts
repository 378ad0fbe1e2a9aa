import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { accessTo } from './access.ts';
import type { AccessRequest } from './access.ts';
import type { AdminToken } from '../token/admin-tokens.ts';

const from = (remoteAddress: string, headers: AccessRequest['headers'] = {}) => ({
  read: { remoteAddress, headers, kind: 'read' } as const,
  change: { remoteAddress, headers, kind: 'change' } as const,
  open: { remoteAddress, headers, kind: 'open' } as const,
});

const FAR = ['10.0.0.1', '::ffff:10.0.0.1', '1127.0.0.1', '127.0.0.1.example', '128.0.0.1', '::2', ''];
const NEAR = ['127.0.0.1', '127.9.8.7', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'];
const OWN_NAMES = ['localhost', 'LOCALHOST:9901', '127.0.0.1:9901', '[::1]:9901', '10.1.2.3', `${hostname()}:9901`];
const GIVEN: AdminToken = { kind: 'given', token: 'secret' };
const MADE: AdminToken = { kind: 'made', token: 'secret', path: '/a' };
const NONE: AdminToken = { kind: 'none', reason: 'no folder' };
const BEARER = { authorization: 'Bearer secret' };

describe.each([MADE, NONE])('with a token that was made, or none: $kind', (token) => {
  const refused = token.kind === 'made' ? 'needs-token' : 'forbidden';

  test.each(NEAR)('%s may only read: it may be a proxy that carries the request of a stranger', (address) => {
    expect(accessTo(from(address).read, token)).toBe('loopback');
    expect(accessTo(from(address).change, token)).toBe(refused);
  });

  test.each(FAR)('%j may only read', (address) => {
    expect(accessTo(from(address).read, token)).toBe('remote');
    expect(accessTo(from(address).change, token)).toBe(refused);
  });

  test('no token is not an empty token', () => {
    for (const authorization of ['Bearer undefined', 'Bearer ', 'Bearer']) {
      expect(accessTo(from('127.0.0.1', { authorization }).change, token)).toBe(refused);
    }
  });

  test('a web page in a browser of this machine may not change anything', () => {
    expect(accessTo(from('127.0.0.1', { origin: 'https://evil.example' }).change, token)).toBe(refused);
    expect(accessTo(from('127.0.0.1', { origin: 'null' }).change, token)).toBe(refused);
  });

  test.each([
    'evil.example',
    'evil.example:9901',
    'localhost.evil.example',
    '127.0.0.1.evil.example:80',
    '[::1].x',
    '',
  ])('a page that came as %j, a name made to point here, may do nothing', (host) => {
    expect(accessTo(from('127.0.0.1', { host }).change, token)).toBe(refused);
    expect(accessTo(from('127.0.0.1', { host }).read, token)).toBe('forbidden');
  });

  test.each(OWN_NAMES)('%s is this machine', (host) => {
    expect(accessTo(from('127.0.0.1', { host }).read, token)).toBe('loopback');
  });

  test('what a proxy on this machine passes on may only read', () => {
    for (const headers of [{ forwarded: 'for=10.0.0.1' }, { 'x-forwarded-for': '10.0.0.1' }]) {
      expect(accessTo(from('127.0.0.1', headers).change, token)).toBe(refused);
      expect(accessTo(from('127.0.0.1', headers).read, token)).toBe('remote');
    }
  });
});

test('whoever knows the token that was made may do all', () => {
  for (const address of [...FAR, ...NEAR]) expect(accessTo(from(address, BEARER).change, MADE)).toBe('token');
  expect(accessTo(from('10.0.0.1', BEARER).change, NONE)).toBe('forbidden');
});

describe('with a token that was given', () => {
  test.each([...FAR, ...NEAR])('whoever knows it may do all, from %j', (address) => {
    expect(accessTo(from(address, BEARER).change, GIVEN)).toBe('token');
    expect(accessTo(from(address, { authorization: 'bearer  secret ' }).read, GIVEN)).toBe('token');
  });

  test.each(['Bearer secre', 'Bearer secret2', 'Basic secret', 'secret', 'Bearer ', 'Bearer a secret'])(
    'it is not %j',
    (authorization) => {
      expect(accessTo(from('10.0.0.1', { authorization }).read, GIVEN)).toBe('needs-token');
      expect(accessTo(from('127.0.0.1', { authorization }).change, GIVEN)).toBe('needs-token');
    },
  );

  test.each(NEAR)('%s may read without it, and not change', (address) => {
    expect(accessTo(from(address).read, GIVEN)).toBe('loopback');
    expect(accessTo(from(address).change, GIVEN)).toBe('needs-token');
  });

  test.each(FAR)('%j may do nothing without it', (address) => {
    expect(accessTo(from(address).read, GIVEN)).toBe('needs-token');
    expect(accessTo(from(address).change, GIVEN)).toBe('needs-token');
  });

  test('a web page needs it to read as well', () => {
    expect(accessTo(from('127.0.0.1', { origin: 'http://localhost:3000' }).read, GIVEN)).toBe('needs-token');
    expect(accessTo(from('127.0.0.1', { host: 'evil.example' }).read, GIVEN)).toBe('needs-token');
  });
});

test('what is open is open', () => {
  for (const token of [NONE, MADE, GIVEN]) {
    for (const headers of [{}, { host: 'evil.example' }, { origin: 'https://a.example' }, { authorization: 'x' }]) {
      for (const address of [...FAR, ...NEAR]) {
        expect(['loopback', 'remote']).toContain(accessTo(from(address, headers).open, token));
      }
    }
  }
});
