import { expect, test } from 'vitest';
import { formatProblems } from './problems.ts';
import { problemsOf, read } from './test-reading.ts';

function warningsOf(env: Record<string, string>, files: Record<string, string> = {}): readonly string[] {
  const { ok, warnings } = read(env, files);
  expect(ok).toBe(true);
  return warnings.length === 0 ? [] : formatProblems(warnings).split('\n');
}

const STRONG = { ADMIN_TOKEN: 'rUcB0fC1Fv4aSvbEYwUq' };

test('a token that can be guessed, which is not shown', () => {
  for (const ADMIN_TOKEN of ['x', 'hunter2', 'a'.repeat(40), '1212121212121212121212']) {
    expect(warningsOf({ ADMIN_TOKEN })).toEqual([
      'ADMIN_TOKEN: it can be guessed, expected at least 16 characters of chance, such as "openssl rand -base64 32" prints',
    ]);
  }
  expect(warningsOf(STRONG)).toEqual([]);
});

test('an admin port for everybody without a token', () => {
  for (const ADMIN_HOST of ['0.0.0.0', '::', '10.0.0.5']) {
    expect(warningsOf({ ADMIN_HOST })).toEqual([
      'ADMIN_HOST: whoever reaches the admin port may read everything it shows, expected ADMIN_TOKEN with it',
    ]);
    expect(warningsOf({ ADMIN_HOST, ...STRONG })).toEqual([]);
  }
  expect(warningsOf({ ADMIN_HOST: '::1' })).toEqual([]);
});

test('secrets in files that everybody may read', () => {
  const expected = "expected a file for the gateway's user alone (chmod 600)";
  const files = { '/open-to-all/token': STRONG.ADMIN_TOKEN, '/token': STRONG.ADMIN_TOKEN, '/open-to-all/pw': 'x' };
  expect(
    warningsOf(
      {
        ADMIN_TOKEN_FILE: '/open-to-all/token',
        REDIS_URL: 'redis://a',
        REDIS_PASSWORD_FILE: '/open-to-all/pw',
      },
      files,
    ),
  ).toEqual([
    `ADMIN_TOKEN_FILE: every user of this machine may read /open-to-all/token, ${expected}`,
    `REDIS_PASSWORD_FILE: every user of this machine may read /open-to-all/pw, ${expected}`,
  ]);
  expect(warningsOf({ ADMIN_TOKEN_FILE: '/token' }, files)).toEqual([]);
});

test('secrets as containers get them are readable by all, and that is right', () => {
  const path = '/run/secrets/open-to-all';
  expect(warningsOf({ ADMIN_TOKEN_FILE: path }, { [path]: STRONG.ADMIN_TOKEN })).toEqual([]);
});

test('an upstream whose certificate is not looked at', () => {
  const yaml = (url: string): string => `upstreams: { o: { url: "${url}", tls: { verify: false } } }
routes: [{ path: /a, upstream: o }]`;
  expect(warningsOf({ GATEWAY_CONFIG: 'g' }, { g: yaml('https://o') })).toEqual([
    'upstreams.o.tls.verify: whoever stands in between is taken for the upstream, expected true, with ca_file',
  ]);
  expect(warningsOf({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toHaveLength(1);
});

test('an authorizer that need not answer', () => {
  const yaml = (how: string): string => `upstreams: { o: { url: http://o } }
routes: [{ path: /a, upstream: o, authorize: { url: http://z, on_failure: ${how} } }]`;
  expect(warningsOf({ GATEWAY_CONFIG: 'g' }, { g: yaml('closed') })).toEqual([]);
  expect(warningsOf({ GATEWAY_CONFIG: 'g' }, { g: yaml('open') })).toEqual([
    'routes.a.authorize.on_failure: who overloads the authorizer gets in unasked, expected closed',
  ]);
});

test('everybody is trusted, or may break it', () => {
  expect(warningsOf({ TRUSTED_PROXIES: '10.0.0.0/8,::/0' })).toEqual([
    'TRUSTED_PROXIES: every client may say that it is another one, expected the addresses of your proxies',
  ]);
  expect(warningsOf({ GATEWAY_TEST_FAULTS: 'on' })).toEqual([
    'GATEWAY_TEST_FAULTS: whoever reaches it may break it on purpose, expected it to be off outside of tests',
  ]);
});

test('DRAIN_TIMEOUT_SECONDS=30s: what 0 means there is not what it means elsewhere', () => {
  expect(problemsOf({ DRAIN_TIMEOUT_SECONDS: '30s', TOTAL_TIMEOUT_SECONDS: '30s' })).toEqual([
    'DRAIN_TIMEOUT_SECONDS: got "30s", expected a number of seconds from 0 to 86400 (0 = it does not wait)',
    'TOTAL_TIMEOUT_SECONDS: got "30s", expected a number of seconds from 0 to 86400 (0 = no limit)',
  ]);
});
