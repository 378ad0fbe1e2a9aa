import { describe, expect, test } from 'vitest';
import { describeConfig } from '../describe-config.ts';
import { configOf, problemsOf, read as readAll, yamlProblemsOf } from '../test-reading.ts';
import { parseMoment } from './yaml.ts';

const HASH = 'ab'.repeat(32);
const OTHER_HASH = 'cd'.repeat(32);

/** One route (line 1) with these fields beside an upstream, and what else the file has. */
const file = (route: string, rest = ''): string =>
  `routes: [{ path: /a, upstream: o, ${route} }]\nupstreams: { o: { url: http://o } }\n${rest}`;

const ISSUER = 'issuers: { main: { issuer: https://idp/, jwks_url: https://idp/jwks } }';

const read = (yaml: string, env = {}) => configOf({ GATEWAY_CONFIG: 'd/g.yaml', ...env }, { 'd/g.yaml': yaml });

describe('a whole file', () => {
  const config = read(
    `
profiles:
  iot: { limits: [{ capacity: 20, refill_per_second: 2 }, { name: daily, capacity: 100, refill_per_second: 0.1 }] }
  partner: { limits: [{ capacity: 5, refill_per_second: 1 }], max_in_flight: 20 }
consumers:
  acme: { profile: partner, groups: [b2b], keys: [{ id: k1, sha256: ${HASH}, expires: 2027-01-01 }] }
issuers:
  main: { issuer: https://idp/, audience: [api], jwks_url: https://idp/jwks, algorithms: [ES256], profile: iot, profile_claim: plan }
  file: { issuer: other, public_key_file: k.pem, consumer: 'claim:client.id' }
upstreams: { o: { url: http://o } }
routes:
  - path: /telemetry
    upstream: o
    authenticate: [api_key, jwt]
    authenticate_query: access_token
    allow: { groups: [fleet], scopes: [telemetry:write] }
    limits: [{ capacity: 7, refill_per_second: 1 }]
    cost: 2
  - { path: /open, upstream: o }
  - { path: /free, upstream: o, authenticate: [api_key], limits: [] }
`,
  );

  test('says who calls', () => {
    expect(config.identities.consumers).toEqual([
      {
        name: 'acme',
        profile: 'partner',
        groups: ['b2b'],
        disabled: false,
        keys: [{ id: 'k1', sha256: HASH, expiresAtMs: Date.UTC(2027, 0, 1), disabled: false }],
        certificates: [],
      },
    ]);
    expect(config.identities.issuers.map(({ keySource, consumerClaim }) => [keySource, consumerClaim])).toEqual([
      [{ kind: 'jwks_url', url: 'https://idp/jwks' }, 'sub'],
      [{ kind: 'public_key_file', file: 'd/k.pem' }, 'client.id'],
    ]);
    expect(config.identities.profiles.map(({ name, maxInFlight }) => [name, maxInFlight])).toEqual([
      ['iot', 0],
      ['partner', 20],
      ['web', 0],
    ]);
    expect(JSON.stringify(describeConfig(config))).not.toContain(HASH);
  });

  test("a profile's buckets hold with those of the route, and take the place of its default one", () => {
    const [telemetry, open, free] = config.routes;
    expect(telemetry?.authentication).toMatchObject({ methods: ['api_key', 'jwt'], queryParameter: 'access_token' });
    expect(telemetry?.profileLimits.map(({ profile, limits }) => [profile, limits.cost, limits.rules])).toEqual([
      [
        'iot',
        2,
        [
          { name: '', label: 'profile:iot', capacity: 20, refillPerSecond: 2 },
          { name: 'daily', label: 'profile:iot:daily', capacity: 100, refillPerSecond: 0.1 },
          { name: 'telemetry', capacity: 7, refillPerSecond: 1 },
        ],
      ],
      [
        'partner',
        2,
        [
          { name: '', label: 'profile:partner', capacity: 5, refillPerSecond: 1 },
          { name: 'telemetry', capacity: 7, refillPerSecond: 1 },
        ],
      ],
      [
        'web',
        2,
        [
          { name: '', label: 'profile:web', capacity: 1000, refillPerSecond: 100 },
          { name: 'telemetry', capacity: 7, refillPerSecond: 1 },
        ],
      ],
    ]);
    expect([open?.authentication, open?.profileLimits]).toEqual([undefined, []]);
    expect(free?.profileLimits).toEqual([]);
  });

  test('makes consumers the clients, unless something else is said', () => {
    expect(config.limits.key).toEqual([{ kind: 'consumer' }, { kind: 'ip' }]);
    expect(read(file('name: a')).limits.key).toEqual([{ kind: 'ip' }]);
    const RATE_LIMIT_KEY = 'bearer,ip';
    expect(read(file('authenticate: [api_key]'), { RATE_LIMIT_KEY }).limits.key).toHaveLength(2);
  });
});

test('profiles that limit nobody are warned of', () => {
  const yaml = file('authenticate: [api_key]', 'consumers: { acme: { profile: iot } }');
  const warningsOf = (env: Record<string, string>): readonly string[] =>
    readAll({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml }).warnings.map(
      ({ key, reason }) => `${key}: ${reason}`,
    );
  expect(warningsOf({})).toEqual([]);
  expect(warningsOf({ RATE_LIMIT_KEY: 'ip' })).toEqual([
    'RATE_LIMIT_KEY: no profile limits anybody, as clients are not named by their consumers',
  ]);
});

test.each(['iot', 'web', 'partner'] as const)('RATE_LIMIT_PROFILE=%s gives the numbers of the profile', (profile) => {
  const [rule] = configOf({ RATE_LIMIT_PROFILE: profile }).routes[0]?.limits?.rules ?? [];
  const shipped = configOf({}).identities.profiles.find(({ name }) => name === profile);
  expect(rule).toEqual({ name: '', capacity: rule?.capacity, refillPerSecond: rule?.refillPerSecond });
  expect(shipped?.rules).toMatchObject([{ capacity: rule?.capacity, refillPerSecond: rule?.refillPerSecond }]);
});

test.each<[Record<string, string>, string]>([
  [
    { RATE_LIMIT_PROFILE: 'iott' },
    'RATE_LIMIT_PROFILE: got "iott", expected one of iot, web, partner; did you mean "iot"?',
  ],
  [
    { RATE_LIMIT_PROFILE: 'iot', RATE_LIMIT_CAPACITY: '5' },
    'RATE_LIMIT_CAPACITY: RATE_LIMIT_PROFILE is set too, expected only one of it and RATE_LIMIT_PROFILE',
  ],
  [
    { API_KEYS: 'redis' },
    'API_KEYS: got "redis", expected REDIS_URL with it (both keeps keys in STATE_DIR where there is no Redis)',
  ],
  [
    { RATE_LIMIT_KEY: 'ip,consumer' },
    'RATE_LIMIT_KEY: got "consumer", expected consumer at the start: who is verified is not named by what is not',
  ],
  [{ IDENTITY_CACHE_SECONDS: '0' }, 'IDENTITY_CACHE_SECONDS: got "0", expected a number of seconds from 1 to 3600'],
  ...['authorization', 'host', 'X-Forwarded-For', 'x_key', 'a b', 'x-consumer-id'].map(
    (name): [Record<string, string>, string] => [
      { API_KEY_HEADER: name },
      `API_KEY_HEADER: got "${name}", expected a header name of letters, digits and "-" that the gateway does not read or set otherwise`,
    ],
  ),
])('bad variables %j', (env, line) => {
  expect(problemsOf(env)).toEqual([line]);
});

const KEYED = 'authenticate: [api_key]';
const acme = (fields: string): string => file(KEYED, `consumers: { acme: { ${fields} } }`);
const issuer = (fields: string): string => file('authenticate: [jwt]', `issuers: { main: { issuer: i, ${fields} } }`);

test.each<[string, string]>([
  [
    file('authenticate: [apikey]'),
    'g.yaml:1: routes[0].authenticate[0]: got "apikey", expected one of api_key, jwt, certificate; did you mean "api_key"?',
  ],
  [
    file('authenticate: [api_key, api_key]'),
    'g.yaml:1: routes[0].authenticate[1]: got "api_key", expected every way only once',
  ],
  [
    file('authenticate: [jwt]'),
    'g.yaml:1: issuers: missing, expected one or more issuers, because routes[0] takes jwt',
  ],
  [
    file('allow: { groups: [a] }'),
    'g.yaml:1: routes[0].allow: nobody is asked who he is, expected authenticate with it',
  ],
  [
    file('authenticate: [], anonymous: true'),
    'g.yaml:1: routes[0].anonymous: nobody is asked who he is, expected authenticate with it',
  ],
  [
    file(`${KEYED}, anonymous: true, allow: { groups: [a] }`),
    'g.yaml:1: routes[0].allow: whom it refuses leaves the credential out, and passes, expected only one of allow and anonymous',
  ],
  [
    file(`${KEYED}, allow: { scopes: [a] }`),
    'g.yaml:1: routes[0].allow.scopes: only tokens have scopes, expected jwt in authenticate with it',
  ],
  [
    acme('profile: partnr'),
    'g.yaml:3: consumers.acme.profile: got "partnr", expected the name of a profile (iot, web, partner); did you mean "partner"?',
  ],
  [
    acme('keys: [{ id: k, sha256: abc }]'),
    'g.yaml:3: consumers.acme.keys[0].sha256: got "abc", expected the SHA-256 of the key, 64 digits of lower-case hex',
  ],
  [
    acme(`keys: [{ id: k, sha256: ${HASH} }, { id: k, sha256: ${OTHER_HASH} }]`),
    'g.yaml:3: consumers.acme.keys[1].id: got "k", expected a name of its own; keys[0] has this one',
  ],
  [
    acme(`keys: [{ id: k, sha256: ${HASH} }, { id: l, sha256: ${HASH} }]`),
    'g.yaml:3: consumers.acme.keys[1].sha256: got "abababab…", expected another key; consumers.acme.keys[0] has this one',
  ],
  [
    acme(`keys: [{ id: k, sha256: ${HASH}, expires: soon }]`),
    'g.yaml:3: consumers.acme.keys[0].expires: got "soon", expected a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
  ],
  [
    issuer('jwks_url: https://i/j, algorithms: [HS256]'),
    'g.yaml:3: issuers.main.algorithms[0]: got "HS256", expected an algorithm with a public key: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519; did you mean "RS256"?',
  ],
  [
    issuer('jwks_url: http://i/j'),
    'g.yaml:3: issuers.main.jwks_url: got "http://i/j", expected an https URL (http only from this machine, or with insecure: true)',
  ],
  [
    issuer('jwks_url: https://me:pw@i/j'),
    'g.yaml:3: issuers.main.jwks_url: got "https://***@i/j", expected a URL without user name and password',
  ],
  [
    issuer('clock_skew_seconds: 301, jwks_file: f'),
    'g.yaml:3: issuers.main.clock_skew_seconds: got 301, expected a number of seconds from 0 to 300 (0 = not at all)',
  ],
  [
    issuer('jwks_file: f, jwks_url: https://i/j'),
    'g.yaml:3: issuers.main.jwks_file: jwks_url is set too, expected only one of jwks_url, jwks_file, public_key_file',
  ],
  [issuer('consumer: sub, jwks_file: f'), 'g.yaml:3: issuers.main.consumer: got "sub", expected claim:NAME'],
  [
    file('authenticate: [jwt]', 'issuers: { main: { issuer: i } }'),
    'g.yaml:3: issuers.main.jwks_url: missing, expected it, jwks_file or public_key_file',
  ],
  [
    file('authenticate: [jwt]', `issuers: { a: { issuer: i, jwks_file: f }, b: { issuer: i, jwks_file: f } }`),
    'g.yaml:3: issuers.b.issuer: got "i", expected another one; issuers.a has this one',
  ],
  [
    file(
      `${KEYED}, limits: [{ name: daily, capacity: 1, refill_per_second: 1 }]`,
      'profiles: { p: { limits: [{ name: daily, capacity: 1, refill_per_second: 1 }] } }',
    ),
    'g.yaml:3: profiles.p.limits[0].name: got "daily", expected a name of its own; a limit of routes[0] has this one',
  ],
  [
    file(
      KEYED,
      'profiles: { p: { limits: [{ capacity: 1, refill_per_second: 1 }, { capacity: 2, refill_per_second: 1 }] } }',
    ),
    'g.yaml:3: profiles.p.limits[1].name: missing, expected a name of its own; limits[0] has none either',
  ],
  [
    file(KEYED, 'profiles: { p: { limits: [] } }'),
    'g.yaml:3: profiles.p.limits: got an empty list, expected a list of one or more limits',
  ],
])('bad %s', (yaml, line) => {
  expect(yamlProblemsOf(yaml)).toEqual([line]);
});

test('jwt passes http from this machine, and from others only when told to', () => {
  for (const jwks of ['http://127.0.0.1:1/j', 'http://localhost/j', 'http://[::1]:8/j']) {
    expect(yamlProblemsOf(issuer(`jwks_url: "${jwks}"`))).toEqual([]);
  }
  expect(yamlProblemsOf(issuer('jwks_url: http://idp/j, insecure: true'))).toEqual([]);
  expect(yamlProblemsOf(file('authenticate: [jwt]', ISSUER))).toEqual([]);
});

test.each<[string, number | undefined]>([
  ['2027-01-01', Date.UTC(2027, 0, 1)],
  ['2027-01-01T12:30:00Z', Date.UTC(2027, 0, 1, 12, 30)],
  ['2027-01-01T12:30:00+02:00', Date.UTC(2027, 0, 1, 10, 30)],
  ['2028-02-29', Date.UTC(2028, 1, 29)],
  ['2027-02-29', undefined],
  ['2027-13-01', undefined],
  ['2027-06-31', undefined],
  ['2027', undefined],
])('the moment %s', (text, atMs) => {
  const parsed = parseMoment(text);
  expect(parsed.ok ? parsed.value : undefined).toBe(atMs);
});
