import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { accessTo } from './access.ts';
import type { AccessRequest } from './access.ts';
import type { AdminToken } from '../token/admin-tokens.ts';

const from = (remoteAddress: string, headers: AccessRequest['headers'] = {}) => ({
  read: { remoteAddress, headers, kind: 'read', session: 'none' } as const,
  change: { remoteAddress, headers, kind: 'change', session: 'none' } as const,
  open: { remoteAddress, headers, kind: 'open', session: 'none' } as const,
  login: { remoteAddress, headers, kind: 'login', session: 'none' } as const,
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

describe("the operator's page", () => {
  const HOST = 'localhost:9901';
  const PAGE = { host: HOST, origin: `http://${HOST}`, 'x-gateway-page': '1' };
  const signedIn = (headers: AccessRequest['headers'], session: AccessRequest['session'] = 'valid') => ({
    read: { ...from('10.0.0.1', headers).read, session },
    change: { ...from('10.0.0.1', headers).change, session },
  });

  test.each(['localhost:9901', '127.0.0.1:9901', '[::1]:9901', '10.1.2.3', `${hostname().toLowerCase()}:9901`])(
    'may change what the token may, as %s',
    (host) => {
      const headers = { ...PAGE, host, origin: `http://${host}` };
      expect(accessTo(signedIn(headers).change, GIVEN)).toBe('page');
      expect(accessTo(signedIn({ host }).read, GIVEN)).toBe('page');
      expect(accessTo(from('10.0.0.1', headers).login, GIVEN)).toBe('page');
    },
  );

  test.each([
    ['another origin', { origin: 'http://evil.example' }],
    ['another port of the same host, which is the same site to a cookie', { origin: 'http://localhost:3000' }],
    ['no origin at all', { origin: undefined }],
    ['an origin that is nobody', { origin: 'null' }],
    ['a name that was made to point here', { host: 'evil.example', origin: 'http://evil.example' }],
    ['the field that no form can send is missing', { 'x-gateway-page': undefined }],
    ['no host', { host: undefined }],
  ])('may change nothing: %s', (_why, other) => {
    const headers = { ...PAGE, ...other } as AccessRequest['headers'];
    expect(accessTo(signedIn(headers).change, GIVEN)).toBe('not-the-page');
    const isPage = headers['x-gateway-page'] !== undefined;
    expect(accessTo(from('127.0.0.1', headers).login, GIVEN)).toBe(isPage ? 'not-the-page' : 'needs-token');
  });

  test('of another origin reads nothing with the cookie', () => {
    expect(accessTo(signedIn({ ...PAGE, origin: 'http://localhost:3000' }).read, GIVEN)).toBe('needs-token');
  });

  test('a session that is over is said to be', () => {
    expect(accessTo(signedIn(PAGE, 'stale').change, GIVEN)).toBe('session-expired');
    expect(accessTo(signedIn({ host: HOST }, 'stale').read, GIVEN)).toBe('session-expired');
    expect(accessTo(signedIn({ host: HOST }, 'stale').read, MADE)).toBe('remote');
  });

  test('without any token there is nothing to sign in with', () => {
    expect(accessTo(from('127.0.0.1', PAGE).login, NONE)).toBe('forbidden');
    expect(accessTo(signedIn(PAGE).change, NONE)).toBe('forbidden');
  });
});
