import { describe, expect, test } from 'vitest';
import { configOf, problemsOf } from '../test-reading.ts';
import type { Config } from '../types.ts';

type Env = Record<string, string | undefined>;

/** Routes of a YAML, each with the upstream it needs; the fields of each as flow YAML. */
const withRoutes = (env: Env, ...fields: readonly string[]): Config => {
  const routes = fields.map((text) => `{ upstream: o, ${text} }`).join(', ');
  const yaml = `upstreams: { o: { url: http://o } }\nroutes: [${routes}]`;
  return configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml });
};

describe.each<[Env, (config: Config) => unknown, unknown]>([
  [{ RATE_LIMIT_CAPACITY: '0' }, (c) => c.routes[0]?.limits?.rules, [{ name: '', capacity: 0, refillPerSecond: 100 }]],
  [{ RATE_LIMIT_REFILL_RATE: '0.1' }, (c) => c.routes[0]?.limits?.rules[0]?.refillPerSecond, 0.1],
  [{ RATE_LIMIT_REFILL_RATE: '0.000001' }, (c) => c.routes[0]?.limits?.rules[0]?.refillPerSecond, 1e-6],
  [
    { RATE_LIMIT_KEY: 'header:X-Api-Key, header-plain:device,ip' },
    (c) => c.limits.key,
    [
      { kind: 'header', name: 'x-api-key', plain: false },
      { kind: 'header', name: 'device', plain: true },
      { kind: 'ip' },
    ],
  ],
  [
    { RATE_LIMIT_KEY: 'bearer, basic,header:bearer,ip' },
    (c) => c.limits.key,
    [{ kind: 'bearer' }, { kind: 'basic' }, { kind: 'header', name: 'bearer', plain: false }, { kind: 'ip' }],
  ],
  [
    { RATE_LIMIT_KEY: 'header:x_key', AMBIGUOUS_FIELDS: 'pass' },
    (c) => [c.limits.key, c.server.passesAmbiguousFields],
    [[{ kind: 'header', name: 'x_key', plain: false }], true],
  ],
  [{ RATE_LIMIT_IPV6_PREFIX: '56' }, (c) => c.limits.ipv6Prefix, 56],
  [
    { RATE_LIMIT_ALLOWLIST: '10.0.0.0/8, ::1,team-a,12345,user:7,Zm9v/YmFy==' },
    (c) => c.limits.allowlist,
    { cidrs: ['10.0.0.0/8', '::1'], keys: ['team-a', '12345', 'user:7', 'Zm9v/YmFy=='] },
  ],
  [{ RATE_LIMIT_HEADERS: 'legacy' }, (c) => c.limits.headers, 'legacy'],
  [{ RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS: '250' }, (c) => c.limits.batchMaxWaitMs, 0.25],
  [{ RATE_LIMIT_TIMEOUT_MILLISECONDS: '25' }, (c) => [c.limits.timeoutMs, c.limits.timeoutMaxMs], [25, 50]],
  [{ RATE_LIMIT_TIMEOUT_MILLISECONDS: '5000' }, (c) => [c.limits.timeoutMs, c.limits.timeoutMaxMs], [5000, 5000]],
  [{ RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS: '90' }, (c) => c.limits.timeoutMaxMs, 90],
  [{ RATE_LIMIT_MAX_CLIENTS: '2000' }, (c) => c.limits.maxClients, 2_000],
  [
    { RATE_LIMIT_ON_STORE_FAILURE: 'closed', RATE_LIMIT_SHADOW: 'on', RATE_LIMIT_LEASE: '8' },
    (c) => c.routes[0]?.limits,
    {
      rules: [{ name: '', capacity: 1000, refillPerSecond: 100 }],
      cost: 1,
      onStoreFailure: 'closed',
      shadow: true,
      leaseTokens: 8,
    },
  ],
])('%j', (env, pick, expected) => {
  test('is taken', () => expect(pick(configOf(env))).toEqual(expected));
});

const NETWORK = 'expected an address or CIDR block such as 10.0.0.0/8 or ::1';

test.each<[Env, string]>([
  [{ RATE_LIMIT_CAPACITY: '1.5' }, 'RATE_LIMIT_CAPACITY: got "1.5", expected a whole number from 0 to 1000000000'],
  [{ RATE_LIMIT_REFILL_RATE: '0' }, 'RATE_LIMIT_REFILL_RATE: got "0", expected a number from 0.000001 to 1000000000'],
  [
    { RATE_LIMIT_REFILL_RATE: '10/s' },
    'RATE_LIMIT_REFILL_RATE: got "10/s", expected a number from 0.000001 to 1000000000',
  ],
  [
    { RATE_LIMIT_KEY: 'ip6' },
    'RATE_LIMIT_KEY: got "ip6", expected consumer, ip, bearer, basic, header:NAME or header-plain:NAME',
  ],
  [
    { RATE_LIMIT_KEY: 'header:a b,ip' },
    'RATE_LIMIT_KEY: got "header:a b", expected consumer, ip, bearer, basic, header:NAME or header-plain:NAME',
  ],
  [
    { RATE_LIMIT_KEY: 'ip,header:a' },
    'RATE_LIMIT_KEY: got "ip,header:a", expected ip at the end: every request has an address, so nothing after it counts',
  ],
  [{ RATE_LIMIT_KEY: 'header:A,header-plain:a' }, 'RATE_LIMIT_KEY: got "a", expected every source only once'],
  [{ RATE_LIMIT_KEY: 'basic,bearer,basic' }, 'RATE_LIMIT_KEY: got "basic", expected every source only once'],
  ...['X-Forwarded-For', 'CF-Connecting-IP', 'Host', 'x-real-ip'].map((name): [Env, string] => [
    { RATE_LIMIT_KEY: `header:${name}` },
    `RATE_LIMIT_KEY: got "header:${name}", expected a header that clients send to the upstream; this one the gateway ` +
      'reads or sets itself (behind proxies: ip and TRUSTED_PROXIES)',
  ]),
  [
    { RATE_LIMIT_KEY: 'header:x_key' },
    'RATE_LIMIT_KEY: got "x_key", expected a header name of letters, digits and "-", or AMBIGUOUS_FIELDS=pass with it',
  ],
  [{ AMBIGUOUS_FIELDS: 'keep' }, 'AMBIGUOUS_FIELDS: got "keep", expected one of drop, pass'],
  [{ RATE_LIMIT_IPV6_PREFIX: '0' }, 'RATE_LIMIT_IPV6_PREFIX: got "0", expected a whole number from 1 to 128'],
  [
    { RATE_LIMIT_ON_STORE_FAILURE: 'close' },
    'RATE_LIMIT_ON_STORE_FAILURE: got "close", expected one of local, open, closed; did you mean "closed"?',
  ],
  [{ RATE_LIMIT_ALLOWLIST: '10.0.0.0/33' }, `RATE_LIMIT_ALLOWLIST: got "10.0.0.0/33", ${NETWORK}`],
  [{ RATE_LIMIT_ALLOWLIST: 'a,10.0.0.256' }, `RATE_LIMIT_ALLOWLIST: got "10.0.0.256", ${NETWORK}`],
  [{ RATE_LIMIT_ALLOWLIST: '10.0/16' }, `RATE_LIMIT_ALLOWLIST: got "10.0/16", ${NETWORK}`],
  [{ RATE_LIMIT_ALLOWLIST: 'fd00::/129' }, `RATE_LIMIT_ALLOWLIST: got "fd00::/129", ${NETWORK}`],
  [{ RATE_LIMIT_ALLOWLIST: '::ffff:10.0.0.0/8' }, `RATE_LIMIT_ALLOWLIST: got "::ffff:10.0.0.0/8", ${NETWORK}`],
  [
    { RATE_LIMIT_ALLOWLIST: 'good,my api key' },
    'RATE_LIMIT_ALLOWLIST: got "***", expected addresses, CIDR blocks and client keys (up to 512 visible ASCII characters)',
  ],
  [
    { RATE_LIMIT_HEADERS: 'drafts' },
    'RATE_LIMIT_HEADERS: got "drafts", expected one of both, draft, legacy, off; did you mean "draft"?',
  ],
  [
    { RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS: '10000' },
    'RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS: got 10000, expected less than RATE_LIMIT_TIMEOUT_MILLISECONDS (10 ms)',
  ],
  [
    { RATE_LIMIT_TIMEOUT_MILLISECONDS: '0' },
    'RATE_LIMIT_TIMEOUT_MILLISECONDS: got "0", expected a whole number from 1 to 60000',
  ],
])('bad value %j', (env, line) => {
  expect(problemsOf(env)).toEqual([line]);
});

describe('a route of the YAML', () => {
  const rules = (config: Config): unknown => config.routes.map(({ limits }) => limits?.rules);
  const byDefault = [{ name: '', capacity: 1000, refillPerSecond: 7 }];

  test('without limits is limited only by what the environment sets explicitly', () => {
    expect(rules(withRoutes({}, 'path: /a'))).toEqual([undefined]);
    expect(rules(withRoutes({ RATE_LIMIT_CAPACITY: '', RATE_LIMIT_SHADOW: 'on' }, 'path: /a'))).toEqual([undefined]);
    expect(rules(withRoutes({ RATE_LIMIT_REFILL_RATE: '7' }, 'path: /a'))).toEqual([byDefault]);
    // The same number as the default is explicit too.
    expect(rules(withRoutes({ RATE_LIMIT_CAPACITY: '1000' }, 'path: /a'))).toMatchObject([[{ capacity: 1000 }]]);
  });

  test('with an empty list is never limited', () => {
    const env = { RATE_LIMIT_CAPACITY: '5', RATE_LIMIT_REFILL_RATE: '7' };
    expect(rules(withRoutes(env, 'path: /a, limits: []'))).toEqual([undefined]);
  });

  test('with limits of its own has those, and the rest from the environment', () => {
    const limits =
      'limits: [{ name: burst, capacity: 10, refill_per_second: 0.1 }, { name: day, capacity: 0, refill_per_second: 1 }]';
    const own = `path: /a, ${limits}, cost: 3, on_store_failure: open, shadow: false, lease: 6`;
    const env = { RATE_LIMIT_CAPACITY: '5', RATE_LIMIT_SHADOW: 'on', RATE_LIMIT_ON_STORE_FAILURE: 'closed' };
    const pair = [
      { name: 'burst', capacity: 10, refillPerSecond: 0.1 },
      { name: 'day', capacity: 0, refillPerSecond: 1 },
    ];
    expect(withRoutes(env, own, `path: /b, ${limits}`).routes.map((route) => route.limits)).toEqual([
      { rules: pair, cost: 3, onStoreFailure: 'open', shadow: false, leaseTokens: 6 },
      { rules: pair, cost: 1, onStoreFailure: 'closed', shadow: true, leaseTokens: 0 },
    ]);
  });

  test.each([
    ['path: /orders', 'orders'],
    ['path: /v1.2/Order_Items', 'v1-2-order-items'],
    ['exact: /', 'root'],
    [`path: /${'a'.repeat(31)}.b`, 'a'.repeat(31)],
  ])('%s gives its one nameless limit the name %s', (fields, name) => {
    const config = withRoutes({}, `${fields}, limits: [{ capacity: 1, refill_per_second: 1 }]`);
    expect(config.routes[0]?.limits?.rules[0]?.name).toBe(name);
  });

  test('that is there by default is limited, with a file or without', () => {
    const files = { 'g.yaml': 'upstreams: { default: { url: http://o } }' };
    for (const config of [configOf({}), configOf({ GATEWAY_CONFIG: 'g.yaml' }, files)]) {
      expect(rules(config)).toEqual([[{ name: '', capacity: 1000, refillPerSecond: 100 }]]);
    }
  });
});
