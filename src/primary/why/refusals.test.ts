import { describe, expect, test } from 'vitest';
import { read } from '../../shared/config/test-reading.ts';
import { ALL_ROUTES } from '../../shared/maintenance/maintenance.ts';
import { consumerMeant, knownConsumer } from './known-consumer.ts';
import { refusalsOn } from './refusals.ts';
import type { AskedAbout } from './refusals.ts';

const HASH = '0'.repeat(64);
const NOW = Date.parse('2026-06-01');
const YAML = `
upstreams: { o: { url: "http://127.0.0.1:9" } }
consumers:
  acme: { groups: [b2b], keys: [{ id: k, sha256: "${HASH}" }] }
  gone: { disabled: true, keys: [{ id: k, sha256: "1${HASH.slice(1)}" }] }
  over: { keys: [{ id: k, sha256: "2${HASH.slice(1)}", expires: 2026-01-01 }, { id: l, sha256: "3${HASH.slice(1)}", disabled: true }] }
issuers:
  idp: { issuer: "https://idp/", audience: [a], jwks_url: "https://idp/jwks", algorithms: [RS256], groups_claim: groups }
  flat: { issuer: "https://flat/", audience: [a], jwks_url: "https://flat/jwks", algorithms: [RS256] }
routes:
  - { name: open, path: /open, upstream: o }
  - { name: lists, path: /lists, upstream: o, ip: { allow: [10.0.0.0/8], deny: [10.9.0.0/16] } }
  - { name: keys, path: /keys, upstream: o, authenticate: [api_key] }
  - { name: b2b, path: /b2b, upstream: o, authenticate: [api_key, jwt], allow: { groups: [b2b] } }
  - { name: named, path: /named, upstream: o, authenticate: [api_key, jwt], allow: { consumers: [over] } }
  - { name: scoped, path: /scoped, upstream: o, authenticate: [api_key, jwt], allow: { scopes: [write] } }
  - { name: maybe, path: /maybe, upstream: o, authenticate: [api_key], anonymous: true }
  - { name: fixed, path: /fixed, respond: { text: x }, ip: { deny: [10.9.0.0/16] } }
`;

function configOf(env: Readonly<Record<string, string>> = {}) {
  const result = read({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': YAML });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.config;
}

/** `code` of each reason on a route; `?` = it depends. */
function codesOn(
  route: string,
  about: { readonly consumer?: string } & Partial<Omit<AskedAbout, 'consumer'>>,
  env = {},
) {
  const config = configOf(env);
  const found = config.routes.find(({ name }) => name === route);
  if (found === undefined) throw new Error(route);
  const { consumer, ...rest } = about;
  const asked: AskedAbout = {
    client: consumer ?? 'c',
    address: undefined,
    maintenance: [],
    ban: undefined,
    limits: [],
    breakers: [],
    storedKeys: undefined,
    keylessIssuers: [],
    ...rest,
    consumer: consumer === undefined ? undefined : knownConsumer(config.identities, consumer, NOW),
  };
  return refusalsOn(found, asked).map(({ code, certain }) => (certain ? code : `${code}?`));
}

describe('lists of addresses', () => {
  test.each([
    ['10.1.2.3', []],
    ['10.9.2.3', ['ip_not_allowed']],
    ['192.0.2.1', ['ip_not_allowed']],
    [undefined, ['ip_not_allowed?']],
  ])('%s', (address, codes) => expect(codesOn('lists', { address })).toEqual(codes));

  test('of the environment too, and each that refuses', () => {
    expect(codesOn('lists', { address: '10.9.0.1' }, { IP_DENY: '10.9.0.1' })).toEqual([
      'ip_not_allowed',
      'ip_not_allowed',
    ]);
    expect(codesOn('open', { address: '10.9.0.1' }, { IP_ALLOW: '10.8.0.0/16' })).toEqual(['ip_not_allowed']);
  });
});

describe('who it is', () => {
  test.each<[string, string, readonly string[]]>([
    ['acme', 'keys', []],
    ['acme', 'b2b', []],
    ['acme', 'named', ['not_allowed']],
    ['acme', 'scoped', ['not_allowed']],
    ['gone', 'keys', ['credentials_invalid']],
    ['gone', 'open', []],
    ['over', 'keys', ['credentials_invalid']],
    ['over', 'b2b', ['credentials_invalid', 'not_allowed']],
    ['nobody', 'keys', ['credentials_missing']],
    ['nobody', 'maybe', []],
    ['idp~d1', 'keys', ['credentials_missing']],
    ['idp~d1', 'b2b', ['not_allowed?']],
    ['flat~d1', 'b2b', ['not_allowed']],
    ['flat~d1', 'scoped', ['not_allowed?']],
  ])('%s on %s', (consumer, route, codes) => expect(codesOn(route, { consumer })).toEqual(codes));

  test('a token of an issuer whose keys nobody has is neither good nor wrong', () => {
    const about = { consumer: 'idp~d1', keylessIssuers: ['idp'] };
    expect(codesOn('b2b', about)).toEqual(['identity_unavailable', 'not_allowed?']);
    expect(codesOn('keys', about)).toEqual(['credentials_missing']);
    expect(codesOn('b2b', { ...about, consumer: 'flat~d1' })).toEqual(['not_allowed']);
  });

  test('an address needs a credential, and a fixed answer asks for none', () => {
    expect(codesOn('keys', { address: '10.1.1.1' })).toEqual(['credentials_missing?']);
    expect(codesOn('maybe', { address: '10.1.1.1' })).toEqual([]);
    expect(codesOn('fixed', { address: '10.9.1.1' })).toEqual(['ip_not_allowed']);
  });

  test('stored keys may be anybody’s, and say other groups', () => {
    const env = { API_KEYS: 'both', REDIS_URL: 'redis://127.0.0.1:1' };
    expect(codesOn('keys', { consumer: 'over' }, env)).toEqual(['credentials_invalid?']);
    expect(codesOn('b2b', { consumer: 'nobody' }, env)).toEqual(['credentials_invalid?', 'not_allowed?']);
  });
});

test('maintenance, a ban and an empty bucket, in this order', () => {
  const record = { rank: 1, on: true, text: 'soon', allow: ['10.1.0.0/16'], by: 'me' };
  const held = { route: ALL_ROUTES, record, remainingMs: 60_000, scope: 'node' } as const;
  const limit = {
    route: 'keys',
    rules: ['r'],
    cost: 1,
    wouldPass: false,
    refusedBy: 'r',
    retryAfterSeconds: 2,
    shadow: false,
  };
  const maintenance = [held, { ...held, route: 'other' }];
  const ban = { client: 'consumer=acme', remainingMs: 500 };
  const about = { consumer: 'acme', limits: [limit] };
  expect(codesOn('keys', { ...about, maintenance, address: '10.2.0.1' })).toEqual(['maintenance', 'rate_limited']);
  expect(codesOn('keys', { ...about, maintenance })).toEqual(['maintenance?', 'rate_limited']);
  expect(codesOn('keys', { ...about, maintenance, address: '10.1.0.1' })).toEqual(['rate_limited']);
  expect(codesOn('keys', { ...about, ban })).toEqual(['client_banned']);
  expect(codesOn('open', { consumer: 'acme', ban })).toEqual([]);
  expect(codesOn('keys', { limits: [{ ...limit, shadow: true }], consumer: 'acme' })).toEqual([]);
  expect(codesOn('keys', { limits: [{ ...limit, refusedBy: null }], consumer: 'acme' })).toEqual([
    'limits_unavailable',
  ]);
});

test('a text means a consumer by its name, or by that of its buckets', () => {
  const { identities } = configOf();
  expect(consumerMeant('acme', undefined, identities)).toBe('acme');
  expect(consumerMeant('consumer=acme', 'consumer=acme', identities)).toBe('acme');
  expect(consumerMeant('consumer=main~auth0%7C5', 'consumer=main~auth0%7C5', identities)).toBe('main~auth0|5');
  expect(consumerMeant('main~auth0|5', 'consumer=main~auth0%7C5', identities)).toBe('main~auth0|5');
  expect(consumerMeant('10.0.0.1', '10.0.0.1', identities)).toBeUndefined();
});
