import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { NO_REFILL, PATIENT, bucketKey } from '../limits-gateway/setup.ts';
import { startRedis } from '../support/redis.ts';
import { rawClient } from '../support/raw.ts';
import { get } from '../support/requests.ts';
import { CLAIMS, signingKey, signToken, tokenIssuer } from '../support/token-issuer.ts';
import type { SigningKey, TokenIssuer } from '../support/token-issuer.ts';
import { startGateway } from '../support/gateway.ts';
import { answerText, messageAt, recordingUpstream, requestText, statusOf } from '../support/http.ts';
import { aKey, startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

/** The numbers of the runbook. */
describe.each([
  ['iot', 10_000, 1_000],
  ['web', 1_000, 100],
  ['partner', 500, 50],
] as const)('RATE_LIMIT_PROFILE=%s', (RATE_LIMIT_PROFILE, capacity, rate) => {
  test(`is ${capacity} tokens and ${rate} a second, whoever calls`, async () => {
    await using redis = await startRedis();
    await using upstream = await recordingUpstream(() => answerText());
    const UPSTREAM_URL = `http://127.0.0.1:${upstream.port}`;
    const REDIS_URL = `redis://127.0.0.1:${redis.port}`;
    await using gateway = await startGateway({ env: { ...PATIENT, UPSTREAM_URL, REDIS_URL, RATE_LIMIT_PROFILE } });
    const { status, headers } = await get(gateway.port, '/proxy/a');
    expect([status, headers['ratelimit-policy']]).toEqual([200, `"default";q=${capacity};w=${capacity / rate}`]);
    expect(headers['ratelimit']).toContain(`r=${capacity - 1};`);
    const stored = await redis.client.hmget(bucketKey('127.0.0.1'), 'capacity', 'rate');
    expect(stored).toEqual([String(capacity), String(rate)]);
  });
});

test('RATE_LIMIT_PROFILE refuses at its capacity', async () => {
  await using upstream = await recordingUpstream(() => answerText());
  const UPSTREAM_URL = `http://127.0.0.1:${upstream.port}`;
  await using gateway = await startGateway({ env: { ...PATIENT, UPSTREAM_URL, RATE_LIMIT_PROFILE: 'partner' } });
  const startMs = performance.now();
  // Several on a connection: a machine that is busy may not get 50 a second through one after the other.
  const seen: number[] = [];
  while (!seen.includes(429)) {
    using client = await rawClient(gateway.port);
    client.send(requestText('GET', '/proxy/a').repeat(100));
    for (let i = 0; i < 100; i++) seen.push(statusOf(await messageAt(client, i)));
  }
  const granted = seen.filter((status) => status === 200).length;
  expect(new Set(seen)).toEqual(new Set([200, 429]));
  expect(granted).toBeGreaterThanOrEqual(500);
  expect(granted).toBeLessThanOrEqual(500 + (50 * (performance.now() - startMs)) / 1_000 + 1);
});

describe('allow', () => {
  const exp = Math.floor(wallClockMs() / 1_000) + 3_600;
  const [fleet, b2b, none] = [aKey('fleet'), aKey('b2b'), aKey('none')];
  let keyed: Keyed;
  let issuer: TokenIssuer;
  let key: SigningKey;
  beforeAll(async () => {
    key = await signingKey('k');
    issuer = await tokenIssuer(key);
    keyed = await startKeyed(
      `
consumers:
  device: { groups: [fleet, other], keys: [${fleet.yaml}] }
  acme: { groups: [b2b], keys: [${b2b.yaml}] }
  nobody: { keys: [${none.yaml}] }
  main~known: { groups: [fleet] }
issuers:
  main: { issuer: "${CLAIMS.iss}", jwks_url: "${issuer.url}", groups_claim: groups }
routes:
  - { path: /groups, upstream: o, authenticate: [api_key, jwt], allow: { groups: [fleet, admin] } }
  - { path: /scopes, upstream: o, authenticate: [api_key, jwt], allow: { scopes: [read, write] } }
  - { path: /both, upstream: o, authenticate: [api_key, jwt], allow: { groups: [fleet], scopes: [write] } }
  - { path: /named, upstream: o, authenticate: [api_key, jwt], allow: { consumers: [acme, main~d1] } }`,
      { env: { ...PATIENT, AUTH_FAILURE_REFILL_RATE: NO_REFILL } },
    );
  });
  afterAll(async () => {
    await keyed[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });

  const byKey = ({ key: text }: { readonly key: string }): Record<string, string> => ({ 'x-api-key': text });
  const byToken = async (claims: object): Promise<Record<string, string>> => ({
    authorization: `Bearer ${await signToken(key, { exp, claims: { ...claims } })}`,
  });
  const PATHS = ['/groups', '/scopes', '/both', '/named'];

  test.each<[string, () => Record<string, string> | Promise<Record<string, string>>, string]>([
    ['a key of a group', () => byKey(fleet), 'ok no no no'],
    ['a key of another group', () => byKey(b2b), 'no no no ok'],
    ['a key without groups', () => byKey(none), 'no no no no'],
    ['a token of a group', () => byToken({ groups: ['fleet'] }), 'ok no no no'],
    ['a token of a group in one text', () => byToken({ groups: 'x fleet' }), 'ok no no no'],
    ['a token with a scope', () => byToken({ scope: 'x write' }), 'no ok no no'],
    ['a token with scp', () => byToken({ scp: ['read'] }), 'no ok no no'],
    ['a token with both', () => byToken({ groups: ['fleet'], scope: 'write' }), 'ok ok ok no'],
    [
      'a token with words that only look so',
      () => byToken({ groups: ['Fleet', 'fleet2'], scope: 'writer' }),
      'no no no no',
    ],
    ['a token of a consumer that is named', () => byToken({ sub: 'd1' }), 'no no no ok'],
    ['a token whose consumer has the group', () => byToken({ sub: 'known' }), 'ok no no no'],
    ['no credential', () => ({}), '401 401 401 401'],
  ])('%s', async (_who, headers, expected) => {
    const seen: string[] = [];
    for (const path of PATHS) {
      const before = keyed.upstream.requests.length;
      const { status, body } = await get(keyed.port, { path, headers: await headers() });
      const code = status === 200 ? '' : (JSON.parse(body) as { code: string }).code;
      seen.push(status === 200 ? 'ok' : status === 403 && code === 'not_allowed' ? 'no' : String(status));
      expect(keyed.upstream.requests.length - before).toBe(status === 200 ? 1 : 0);
      for (const word of ['fleet', 'write', 'acme']) expect(body).not.toContain(word === 'write' ? '"write"' : word);
    }
    expect(seen.join(' ')).toBe(expected);
  });
});
