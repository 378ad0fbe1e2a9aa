import { describe, expect, test } from 'vitest';
import { formatProblems } from './problems.ts';
import * as reading from './test-reading.ts';
import { DEFAULT_RULE } from '../breaker/rule.ts';
import type { Environment } from './read-config.ts';
import type { Config } from './types.ts';

const { yamlProblemsOf: problemsOf } = reading;
const configOf = (yaml: string, env: Environment = {}): Config =>
  reading.configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml });

const BREAKER = {
  mode: 'on',
  rule: DEFAULT_RULE,
  window: { windowMs: 10_000, minVolume: 20, errorRate: 0.5, slowRate: 0 },
  statuses: [500, 502, 503, 504],
  slowMs: 0,
  probe: 'requests',
};

const FULL = `
upstreams:
  orders:
    targets: [http://10.0.0.1:8080, https://10.0.0.2:8443/base]
    connections: 64
    queue: 256
    idle_timeout_seconds: 2.5
    max_age_seconds: 60
    max_header_bytes: 32768
    pipelining: 8
    tls: { server_name: orders.internal, verify: false }
  users: { url: http://users }
routes:
  - path: /orders
    methods: [GET, POST]
    host: API.example.com
    upstream: orders
    strip_prefix: true
    preserve_host: true
    timeouts: { connect_seconds: 1, response_headers_seconds: 10, total_seconds: 60 }
    max_body_bytes: 1048576
  - name: me
    exact: /users/me
    upstream: users
`;

test('a whole file is resolved, and the environment fills what it leaves out', () => {
  const config = configOf(FULL, { BODY_IDLE_TIMEOUT_SECONDS: '7', UPSTREAM_QUEUE: '9', MAX_BODY_BYTES: '11' });
  expect(config.demoUpstream).toBe(false);
  expect(config.routes).toStrictEqual([
    {
      name: 'orders',
      path: '/orders',
      exact: false,
      ignoreCase: false,
      ignoreTrailingSlash: false,
      methods: ['GET', 'POST'],
      host: 'api.example.com',
      upstream: 'orders',
      stripPrefix: true,
      preserveHost: true,
      split: undefined,
      mirror: undefined,
      retries: undefined,
      priority: undefined,
      timeouts: { connectMs: 1000, headersMs: 10_000, bodyIdleMs: 7000, uploadMs: 3_600_000, totalMs: 60_000 },
      maxQueryBytes: 8192,
      maxBodyBytes: 1_048_576,
      maxResponseBytes: 0,
      limits: undefined,
      authentication: undefined,
      authorization: undefined,
      authorizedFields: [],
      profileLimits: [],
      match: undefined,
      rules: undefined,
      websocket: undefined,
    },
    {
      name: 'me',
      path: '/users/me',
      exact: true,
      ignoreCase: false,
      ignoreTrailingSlash: false,
      methods: undefined,
      host: undefined,
      upstream: 'users',
      stripPrefix: false,
      preserveHost: false,
      split: undefined,
      mirror: undefined,
      retries: undefined,
      priority: undefined,
      timeouts: { connectMs: 5000, headersMs: 30_000, bodyIdleMs: 7000, uploadMs: 3_600_000, totalMs: 0 },
      maxQueryBytes: 8192,
      maxBodyBytes: 11,
      maxResponseBytes: 0,
      limits: undefined,
      authentication: undefined,
      authorization: undefined,
      authorizedFields: [],
      profileLimits: [],
      match: undefined,
      rules: undefined,
      websocket: undefined,
    },
  ]);
  expect(config.upstreams).toStrictEqual([
    {
      name: 'orders',
      targets: [
        { origin: 'http://10.0.0.1:8080', secure: false, host: '10.0.0.1', port: 8080, basePath: '' },
        { origin: 'https://10.0.0.2:8443', secure: true, host: '10.0.0.2', port: 8443, basePath: '/base' },
      ],
      connections: 64,
      queue: 256,
      idleMs: 2500,
      maxAgeMs: 60_000,
      maxHeaderBytes: 32_768,
      pipelining: 8,
      tls: { caFile: undefined, serverName: 'orders.internal', verify: false },
      breaker: BREAKER,
      health: undefined,
      ejection: { mode: 'on', consecutive: 5, baseMs: 10_000, maxPercent: 50 },
      slowStartMs: 0,
      resolveAllMs: 0,
      balance: undefined,
      retryBudget: { percent: 20, minPerSecond: 1, windowMs: 10_000 },
      concurrency: 0,
    },
    {
      name: 'users',
      targets: [{ origin: 'http://users', secure: false, host: 'users', port: 80, basePath: '' }],
      connections: 128,
      queue: 9,
      idleMs: 4000,
      maxAgeMs: 300_000,
      maxHeaderBytes: 65_536,
      pipelining: 1,
      tls: { caFile: undefined, serverName: undefined, verify: true },
      breaker: BREAKER,
      health: undefined,
      ejection: undefined,
      slowStartMs: 0,
      resolveAllMs: 0,
      balance: undefined,
      retryBudget: { percent: 20, minPerSecond: 1, windowMs: 10_000 },
      concurrency: 0,
    },
  ]);
});

describe('the upstream "default"', () => {
  const names = (config: Config): unknown => [
    config.routes.map((route) => `${route.name} ${route.upstream}`),
    config.upstreams.map(({ name, targets }) => `${name} ${targets[0]?.origin}`),
  ];
  const url = { UPSTREAM_URL: 'http://env' };

  test('an empty file leaves what UPSTREAM_URL says', () => {
    expect(names(configOf('', url))).toEqual([['proxy default'], ['default http://env']]);
  });
  test('routes of the file may name it', () => {
    expect(names(configOf('routes: [{ path: /, upstream: default }]', url))).toEqual([
      ['root default'],
      ['default http://env'],
    ]);
  });
  test('is left out where no route names it', () => {
    expect(names(configOf('upstreams: {a: {url: http://a}}\nroutes: [{path: /a, upstream: a}]', url))).toEqual([
      ['a a'],
      ['a http://a'],
    ]);
  });
  test('one of the file takes its place, and the default route', () => {
    expect(names(configOf('upstreams: {default: {url: http://file}}', url))).toEqual([
      ['proxy default'],
      ['default http://file'],
    ]);
  });
  test('neither in the file nor in the environment: never the demo upstream', () => {
    const line =
      'g.yaml:1: routes: missing, expected at least one route (without routes, /proxy goes to the upstream named default)';
    expect(problemsOf('')).toEqual([line]);
    expect(problemsOf('routes: [{ path: /, upstream: default }]')).toEqual([
      'g.yaml:1: routes[0].upstream: got "default", expected the name of an upstream (none is defined)',
    ]);
  });
});

test('an upstream no route uses is a warning', () => {
  const { ok, warnings } = reading.read(
    { GATEWAY_CONFIG: 'g.yaml', UPSTREAM_URL: 'http://b' },
    { 'g.yaml': 'upstreams: { a: { url: http://a } }' },
  );
  expect([ok, formatProblems(warnings)]).toEqual([true, 'upstreams.a: no route uses it, expected a route to it']);
});
