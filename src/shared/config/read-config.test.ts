import { describe, expect, test } from 'vitest';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import { DEFAULT_RULE } from '../breaker/rule.ts';
import { ENV } from './env-table.ts';
import { defaultNodeName } from './server/node-name.ts';
import { formatProblems } from './problems.ts';
import type { Config } from './types.ts';
import { CHANCE, configOf, problemsOf, read } from './test-reading.ts';

type Env = Record<string, string | undefined>;

test('an empty environment gives the documented defaults and the demo upstream', () => {
  expect(configOf({})).toStrictEqual({
    node: { name: defaultNodeName(hostname(), CHANCE) },
    server: {
      host: '0.0.0.0',
      port: 5000,
      front: 'native',
      adminHost: '127.0.0.1',
      adminPort: 9901,
      adminToken: undefined,
      adminUi: undefined,
      stateDir: '/home/a/.local/state/resilient-api-gateway',
      workers: Math.min(256, availableParallelism()),
      idleTimeoutMs: 65_000,
      drainDelayMs: 0,
      drainTimeoutMs: 30_000,
      maxHeaderBytes: 16_384,
      maxHeaderCount: 100,
      maxConnections: Math.min(511_976, 20_000 * availableParallelism()),
      maxConnectionsPerIp: 0,
      connectionRatePerIp: 0,
      halfCloseMs: 5000,
      forwardInformational: true,
      mergeSlashes: false,
      debugHeaders: false,
      passesAmbiguousFields: false,
      uwsChunked: false,
      maxInFlight: 4096,
      maxInFlightPerClient: 'fair',
      shedLoopLagMs: 0,
      maxStreams: 4096,
      maxWebSockets: 10_000,
      tls: undefined,
      trustedProxies: [],
      inheritedSocket: undefined,
      proxyProtocol: false,
    },
    source: { watchEveryMs: undefined, store: 'files', signingKeys: [] },
    logLevel: 'info',
    accessLog: { kind: 'sampled', oneIn: 100 },
    routes: [
      {
        name: 'proxy',
        path: '/proxy',
        exact: false,
        ignoreCase: false,
        ignoreTrailingSlash: false,
        methods: undefined,
        host: undefined,
        upstream: 'default',
        stripPrefix: true,
        preserveHost: false,
        split: undefined,
        mirror: undefined,
        retries: undefined,
        priority: undefined,
        timeouts: { connectMs: 5000, headersMs: 30_000, bodyIdleMs: 30_000, uploadMs: 3_600_000, totalMs: 0 },
        maxQueryBytes: 8192,
        maxBodyBytes: 10_485_760,
        maxResponseBytes: 0,
        limits: {
          rules: [{ name: '', capacity: 1000, refillPerSecond: 100 }],
          cost: 1,
          onStoreFailure: 'local',
          shadow: false,
          leaseTokens: 0,
        },
        authentication: undefined,
        authorization: undefined,
        authorizedFields: [],
        profileLimits: [],
        match: undefined,
        rules: undefined,
        websocket: {
          maxMessageBytes: 1_048_576,
          idleMs: 300_000,
          maxMs: 0,
          pingMs: 30_000,
          origins: undefined,
          messageLimits: undefined,
          onMessageRefused: 'close',
        },
      },
    ],
    upstreams: [
      {
        name: 'default',
        targets: [{ origin: 'http://127.0.0.1:5001', secure: false, host: '127.0.0.1', port: 5001, basePath: '' }],
        connections: 128,
        queue: 1024,
        idleMs: 4000,
        maxAgeMs: 300_000,
        maxHeaderBytes: 65_536,
        pipelining: 1,
        tls: { caFile: undefined, serverName: undefined, verify: true },
        breaker: {
          mode: 'on',
          rule: DEFAULT_RULE,
          window: { windowMs: 10_000, minVolume: 20, errorRate: 0.5, slowRate: 0 },
          statuses: [500, 502, 503, 504],
          slowMs: 0,
          probe: 'requests',
        },
        health: undefined,
        ejection: undefined,
        slowStartMs: 0,
        resolveAllMs: 0,
        balance: undefined,
        retryBudget: { percent: 20, minPerSecond: 1, windowMs: 10_000 },
        concurrency: 0,
      },
    ],
    limits: {
      key: [{ kind: 'ip' }],
      ipv6Prefix: 64,
      allowlist: { cidrs: [], keys: [] },
      headers: 'both',
      batchMaxWaitMs: 0.5,
      timeoutMs: 10,
      timeoutMaxMs: 50,
      maxClients: 1_000_000,
    },
    identities: {
      apiKeyHeader: 'x-api-key',
      apiKeys: 'file',
      cacheMs: 60_000,
      cacheEntries: 10_000,
      jwksRefreshMs: 600_000,
      jwksStaleMs: 86_400_000,
      failureCapacity: 20,
      failureRefillPerSecond: 0.2,
      profiles: [['iot', 10_000, 1_000] as const, ['web', 1_000, 100] as const, ['partner', 500, 50] as const].map(
        ([name, capacity, refillPerSecond]) => ({
          name,
          rules: [{ name: '', label: `profile:${name}`, capacity, refillPerSecond }],
          maxInFlight: 0,
          priority: undefined,
        }),
      ),
      consumers: [],
      issuers: [],
      authorities: [],
      readsClientCert: false,
    },
    redis: undefined,
    jobs: { mode: 'on', redis: undefined },
    backups: {
      store: undefined,
      schedule: '0 2 * * *',
      fullSchedule: '0 3 * * 0',
      files: [],
      secretFiles: [],
      recipient: undefined,
      identity: undefined,
      keepDaily: 7,
      keepWeekly: 5,
      keepDays: 0,
      cpuShare: 0.25,
      tempDir: tmpdir(),
    },
    secretTexts: [],
    demoUpstream: true,
    testFaults: false,
    testNoHandles: false,
    testDnsServers: [],
  });
});

test('an empty variable is an unset one', () => {
  const empty = Object.fromEntries(Object.keys(ENV).map((name) => [name, '']));
  expect(configOf(empty)).toEqual(configOf({}));
});

test('every default is a value its own reader takes', () => {
  const defaults = Object.entries(ENV).map(([name, variable]) => [name, variable.default]);
  expect(configOf(Object.fromEntries(defaults) as Env)).toEqual(configOf({}));
});

const target = (config: Config, index = 0): unknown => config.upstreams[0]?.targets[index];

describe.each<[Env, (config: Config) => unknown, unknown]>([
  [{ PORT: '0' }, (c) => c.server.port, 0],
  [{ HOST: '::' }, (c) => c.server.host, '::'],
  [{ HOST: 'gateway.internal' }, (c) => c.server.host, 'gateway.internal'],
  [{ PORT: '7000', ADMIN_PORT: '7000', HOST: '127.0.0.2' }, (c) => c.server.adminPort, 7000],
  [{ PORT: '0', ADMIN_PORT: '0' }, (c) => c.server.adminPort, 0],
  [{ WORKERS: '3' }, (c) => c.server.workers, 3],
  [{ IDLE_TIMEOUT_SECONDS: '1.5' }, (c) => c.server.idleTimeoutMs, 1500],
  [{ DRAIN_DELAY_SECONDS: '2.5' }, (c) => c.server.drainDelayMs, 2_500],
  [{ DRAIN_TIMEOUT_SECONDS: '0' }, (c) => c.server.drainTimeoutMs, 0],
  [{ CONNECT_TIMEOUT_SECONDS: '4.1' }, (c) => c.routes[0]?.timeouts.connectMs, 4100],
  [{ TOTAL_TIMEOUT_SECONDS: '0.0001' }, (c) => c.routes[0]?.timeouts.totalMs, 1],
  [{ MAX_BODY_BYTES: '0' }, (c) => c.routes[0]?.maxBodyBytes, 0],
  [{ TRUSTED_PROXIES: '10.0.0.0/8, ::1,fd00::/8' }, (c) => c.server.trustedProxies, ['10.0.0.0/8', '::1', 'fd00::/8']],
  [{ ACCESS_LOG: 'off' }, (c) => c.accessLog, { kind: 'off' }],
  [{ ACCESS_LOG: 'sampled:1' }, (c) => c.accessLog, { kind: 'sampled', oneIn: 1 }],
  [{ LOG_LEVEL: 'silent' }, (c) => c.logLevel, 'silent'],
  [{ GATEWAY_TEST_FAULTS: 'on' }, (c) => c.testFaults, true],
  [{ DEMO_UPSTREAM_PORT: '6001' }, (c) => [c.upstreams[0]?.targets[0]?.port, c.demoUpstream], [6001, true]],
  [{ UPSTREAM_URL: 'http://a:1' }, (c) => c.demoUpstream, false],
  [
    { UPSTREAM_URL: 'https://API.example.com/v1/' },
    target,
    { origin: 'https://api.example.com', secure: true, host: 'api.example.com', port: 443, basePath: '/v1' },
  ],
  [
    { UPSTREAM_URL: 'http://orders.default.svc.cluster.local.:8080' },
    (c) => c.upstreams[0]?.targets[0],
    {
      origin: 'http://orders.default.svc.cluster.local.:8080',
      secure: false,
      host: 'orders.default.svc.cluster.local.',
      port: 8080,
      basePath: '',
    },
  ],
  [
    { UPSTREAM_URL: 'http://a, http://[::1]:81' },
    (c) => target(c, 1),
    { origin: 'http://[::1]:81', secure: false, host: '::1', port: 81, basePath: '' },
  ],
  [
    { UPSTREAM_QUEUE: '0', UPSTREAM_CONNECTIONS: '7' },
    (c) => [c.upstreams[0]?.queue, c.upstreams[0]?.connections],
    [0, 7],
  ],
  [{ ADMIN_TOKEN: 't0ken' }, (c) => c.server.adminToken, 't0ken'],
  [{ MAX_IN_FLIGHT_PER_CLIENT: 'off' }, (c) => c.server.maxInFlightPerClient, 'off'],
  [{ MAX_IN_FLIGHT_PER_CLIENT: '20' }, (c) => c.server.maxInFlightPerClient, 20],
])('good value %j', (env, pick, expected) => {
  test('is taken', () => expect(pick(configOf(env))).toEqual(expected));
});

test.each<[Env, string]>([
  [{ PORT: 'abc' }, 'PORT: got "abc", expected a whole number from 0 to 65535'],
  [
    { MAX_IN_FLIGHT_PER_CLIENT: 'many' },
    'MAX_IN_FLIGHT_PER_CLIENT: got "many", expected fair, off or a whole number from 1 to 1000000',
  ],
  [
    { MAX_IN_FLIGHT_PER_CLIENT: '0' },
    'MAX_IN_FLIGHT_PER_CLIENT: got "0", expected fair, off or a whole number from 1 to 1000000',
  ],
  [{ PORT: '65536' }, 'PORT: got "65536", expected a whole number from 0 to 65535'],
  [{ PORT: '-1' }, 'PORT: got "-1", expected a whole number from 0 to 65535'],
  [{ PORT: ' 80' }, 'PORT: got " 80", expected a whole number from 0 to 65535'],
  [{ PORT: '0x50' }, 'PORT: got "0x50", expected a whole number from 0 to 65535'],
  [{ PORT: '9901', HOST: '127.0.0.1' }, 'ADMIN_PORT: got 9901, expected a port other than PORT'],
  [{ PORT: '5001' }, 'DEMO_UPSTREAM_PORT: got 5001, expected a port other than PORT and ADMIN_PORT'],
  [
    { TRUSTED_PROXIES: '::ffff:10.0.0.0/24' },
    'TRUSTED_PROXIES: got "::ffff:10.0.0.0/24", expected an address or CIDR block such as 10.0.0.0/8 or ::1',
  ],
  [{ HOST: '300.0.0.1' }, 'HOST: got "300.0.0.1", expected an IPv4 or IPv6 address or a host name'],
  [{ WORKERS: '0' }, 'WORKERS: got "0", expected a whole number from 1 to 256'],
  [
    { CONNECT_TIMEOUT_SECONDS: '0' },
    'CONNECT_TIMEOUT_SECONDS: got "0", expected a number of seconds from 0.001 to 86400',
  ],
  [
    { CONNECT_TIMEOUT_SECONDS: '5s' },
    'CONNECT_TIMEOUT_SECONDS: got "5s", expected a number of seconds from 0.001 to 86400',
  ],
  [
    { LOG_LEVEL: 'INFO' },
    'LOG_LEVEL: got "INFO", expected one of fatal, error, warn, info, debug, trace, silent; did you mean "info"?',
  ],
  [{ ACCESS_LOG: 'sampled:0' }, 'ACCESS_LOG: got "sampled:0", expected on, off or sampled:N with N from 1 to 1000000'],
  [{ GATEWAY_SUPERVISE: 'no' }, 'GATEWAY_SUPERVISE: got "no", expected on or off'],
  [
    { TRUSTED_PROXIES: '::1,1.2.3.4/33' },
    'TRUSTED_PROXIES: got "1.2.3.4/33", expected an address or CIDR block such as 10.0.0.0/8 or ::1',
  ],
  [
    { TRUSTED_PROXIES: 'fe80::1%eth0' },
    'TRUSTED_PROXIES: got "fe80::1%eth0", expected an address or CIDR block such as 10.0.0.0/8 or ::1',
  ],
  [{ TRUSTED_PROXIES: '::1,' }, 'TRUSTED_PROXIES: got "", expected an address or CIDR block such as 10.0.0.0/8 or ::1'],
  [
    { UPSTREAM_URL: 'http://me:secret@a' },
    'UPSTREAM_URL: got "http://***@a", expected a URL without user name and password',
  ],
  [
    { UPSTREAM_URL: 'http://me:p/w@a' },
    'UPSTREAM_URL: got "http://***@a", expected an http or https URL such as http://10.0.0.1:8080',
  ],
  [
    { UPSTREAM_URL: 'me:pw@a' },
    'UPSTREAM_URL: got "***@a", expected an http or https URL such as http://10.0.0.1:8080',
  ],
  [{ UPSTREAM_URL: 'http://a/?q=1' }, 'UPSTREAM_URL: got "http://a/?q=1", expected a URL without query or fragment'],
  [
    { UPSTREAM_URL: 'ftp://a' },
    'UPSTREAM_URL: got "ftp://a", expected an http or https URL such as http://10.0.0.1:8080',
  ],
  [
    { UPSTREAM_URL: 'http:\\\\a' },
    'UPSTREAM_URL: got "http:\\\\\\\\a", expected an http or https URL such as http://10.0.0.1:8080',
  ],
  [
    { UPSTREAM_URL: 'http://a..:80' },
    'UPSTREAM_URL: got "http://a..:80", expected an http or https URL such as http://10.0.0.1:8080',
  ],
  [{ UPSTREAM_URL: 'http://a:0' }, 'UPSTREAM_URL: got "http://a:0", expected a URL with a port from 1 to 65535'],
  [
    { UPSTREAM_URL: 'http://a/b/../c' },
    'UPSTREAM_URL: got "http://a/b/../c", expected a URL with a path without . or .. segments',
  ],
  [{ UPSTREAM_URL: 'http://a,http://A:80/' }, 'UPSTREAM_URL: got "http://A:80/", expected every target only once'],
  [{ ADMIN_TOKEN: 'two words' }, 'ADMIN_TOKEN: got ***, expected up to 512 visible ASCII characters without spaces'],
  [{ GATEWAY_CONFIG: 'none.yaml' }, 'GATEWAY_CONFIG: got "none.yaml", expected a readable file; there is no such file'],
])('bad value %j', (env, line) => {
  expect(problemsOf(env)).toEqual([line]);
});

test('all problems of the environment, its files and the YAML come at once, and no stand-in value is blamed', () => {
  const env = { PORT: 'x', ADMIN_PORT: '5000', WORKERS: '0', TLS_CERT_FILE: 'c.pem', GATEWAY_CONFIG: 'g.yaml' };
  expect(problemsOf(env, { 'g.yaml': 'routes:\n  - path: a\nextra: 1\n' })).toEqual([
    'PORT: got "x", expected a whole number from 0 to 65535',
    'WORKERS: got "0", expected a whole number from 1 to 256',
    'TLS_KEY_FILE: missing, expected a file, because TLS_CERT_FILE is set',
    'g.yaml:2: routes[0].path: got "a", expected a path that starts with /',
    'g.yaml:2: routes[0].upstream: missing, expected the name of an upstream (or split, redirect or respond)',
    'g.yaml:3: extra: unknown key, expected one of upstreams, routes, profiles, consumers, issuers, authorities',
  ]);
});

test('a misspelt variable is a warning without its value; others are left alone', () => {
  const { warnings, ok } = read({
    UPSTREAM_URLS: 'secret',
    ADMIN_TOKN: 'secret',
    GATEWAY_PORT: 'tcp://1',
    POR: '1',
    PATH: '/',
  });
  expect(ok).toBe(true);
  expect(formatProblems(warnings).split('\n')).toEqual([
    'UPSTREAM_URLS: the gateway has no such variable; did you mean "UPSTREAM_URL"?',
    'ADMIN_TOKN: the gateway has no such variable; did you mean "ADMIN_TOKEN"?',
  ]);
});

test('GATEWAY_SUPERVISE is handed to the command beside the configuration', () => {
  expect(read({ GATEWAY_SUPERVISE: 'off' })).toMatchObject({ ok: true, supervise: false });
  expect(read({})).toMatchObject({ ok: true, supervise: true });
});

test('the configuration is frozen through and through, and survives structured clone', () => {
  const config = configOf({ TRUSTED_PROXIES: '::1', RATE_LIMIT_ALLOWLIST: '::1,a', REDIS_URL: 'redis://a' });
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  expect(frozen(config)).toBe(true);
  expect(structuredClone(config)).toEqual(config);
});
