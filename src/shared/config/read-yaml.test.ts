import { describe, expect, test } from 'vitest';
import { memoryFiles } from './memory-files.ts';
import { readConfig } from './read-config.ts';
import type { ConfigResult } from './read-config.ts';
import { formatProblems } from './problems.ts';
import type { Config } from './types.ts';

type Env = Record<string, string | undefined>;

const read = (yaml: string, env: Env = {}): ConfigResult =>
  readConfig({ GATEWAY_CONFIG: 'conf/g.yaml', ...env }, memoryFiles({ 'conf/g.yaml': yaml }));

function configOf(yaml: string, env: Env = {}): Config {
  const result = read(yaml, env);
  if (!result.ok) throw new Error(formatProblems(result.problems));
  return result.config;
}

/** The lines of the problems without the folder in front. */
function problemsOf(yaml: string, env: Env = {}): readonly string[] {
  const result = read(yaml, env);
  return result.ok
    ? []
    : formatProblems(result.problems)
        .split('\n')
        .map((line) => line.replace('conf/', ''));
}

const FULL = `
upstreams:
  orders:
    targets: [http://10.0.0.1:8080, https://10.0.0.2:8443/base]
    connections: 64
    queue: 256
    idle_timeout_seconds: 2.5
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
  expect(config.routes).toEqual([
    {
      name: 'orders',
      path: '/orders',
      exact: false,
      methods: ['GET', 'POST'],
      host: 'api.example.com',
      upstream: 'orders',
      stripPrefix: true,
      preserveHost: true,
      timeouts: { connectMs: 1000, headersMs: 10_000, bodyIdleMs: 7000, totalMs: 60_000 },
      maxBodyBytes: 1_048_576,
    },
    {
      name: 'me',
      path: '/users/me',
      exact: true,
      methods: undefined,
      host: undefined,
      upstream: 'users',
      stripPrefix: false,
      preserveHost: false,
      timeouts: { connectMs: 5000, headersMs: 30_000, bodyIdleMs: 7000, totalMs: 0 },
      maxBodyBytes: 11,
    },
  ]);
  expect(config.upstreams).toEqual([
    {
      name: 'orders',
      targets: [
        { origin: 'http://10.0.0.1:8080', secure: false, host: '10.0.0.1', port: 8080, basePath: '' },
        { origin: 'https://10.0.0.2:8443', secure: true, host: '10.0.0.2', port: 8443, basePath: '/base' },
      ],
      connections: 64,
      queue: 256,
      idleMs: 2500,
      tls: { caFile: undefined, serverName: 'orders.internal', verify: false },
    },
    {
      name: 'users',
      targets: [{ origin: 'http://users', secure: false, host: 'users', port: 80, basePath: '' }],
      connections: 128,
      queue: 9,
      idleMs: 4000,
      tls: { caFile: undefined, serverName: undefined, verify: true },
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
  const { ok, warnings } = read('upstreams: { a: { url: http://a } }', { UPSTREAM_URL: 'http://b' });
  expect([ok, formatProblems(warnings)]).toEqual([true, 'upstreams.a: no route uses it, expected a route to it']);
});

/** One route (line 1) with the given fields beside a good upstream. */
const route = (fields: string): string => `routes: [{ ${fields} }]\nupstreams: { orders: { url: http://o } }`;
const upstream = (fields: string): string => `upstreams: { o: { ${fields} } }\nroutes: [{ path: /o, upstream: o }]`;

test.each([
  [
    route('path: /a, upstream: ordres'),
    'g.yaml:1: routes[0].upstream: got "ordres", expected the name of an upstream (orders); did you mean "orders"?',
  ],
  [
    route('path: /a, upstream: orders, stripPrefix: true'),
    'g.yaml:1: routes[0].stripPrefix: unknown key; did you mean "strip_prefix"?',
  ],
  [
    route('path: /a, upstream: orders, strip_prefix: yes'),
    'g.yaml:1: routes[0].strip_prefix: got "yes", expected true or false',
  ],
  [
    route('path: /a, upstream: orders, methods: [get]'),
    'g.yaml:1: routes[0].methods[0]: got "get", expected a method the gateway forwards, such as GET or POST, in upper case; did you mean "GET"?',
  ],
  [
    route('path: /a, upstream: orders, methods: [TRACE]'),
    'g.yaml:1: routes[0].methods[0]: got "TRACE", expected a method the gateway forwards, such as GET or POST, in upper case',
  ],
  [
    route('path: /a, upstream: orders, methods: []'),
    'g.yaml:1: routes[0].methods: got an empty list, expected a list of one or more methods',
  ],
  [
    route('path: /a, upstream: orders, host: "a:80"'),
    'g.yaml:1: routes[0].host: got "a:80", expected a host name without port, such as api.example.com or *.example.com',
  ],
  [
    route('path: /a, upstream: orders, name: a b'),
    'g.yaml:1: routes[0].name: got "a b", expected a name of letters, digits, ".", "_" and "-", at most 64, that starts with a letter or digit',
  ],
  [
    route('path: /a/, upstream: orders'),
    'g.yaml:1: routes[0].path: got "/a/", expected a path without / at the end (it matches everything below it anyway)',
  ],
  [
    route('path: /a/../b, upstream: orders'),
    'g.yaml:1: routes[0].path: got "/a/../b", expected a path without . or .. segments',
  ],
  [route('path: /a//b, upstream: orders'), 'g.yaml:1: routes[0].path: got "/a//b", expected a path without //'],
  [
    route('path: /a%20b, upstream: orders'),
    'g.yaml:1: routes[0].path: got "/a%20b", expected a path without percent-encoding',
  ],
  [
    route('path: "/a?b", upstream: orders'),
    'g.yaml:1: routes[0].path: got "/a?b", expected a path without query or fragment',
  ],
  [
    route('path: /é, upstream: orders'),
    'g.yaml:1: routes[0].path: got "/é", expected a path of printable ASCII without spaces or \\',
  ],
  [
    route('exact: /health, upstream: orders'),
    'g.yaml:1: routes[0].exact: got "/health", expected a path other than /health and /ready, which the gateway answers itself',
  ],
  [
    route('path: /a, exact: /b, upstream: orders'),
    'g.yaml:1: routes[0].exact: path is set too, expected only one of path and exact',
  ],
  [route('upstream: orders'), 'g.yaml:1: routes[0].path: missing, expected it or exact'],
  [route('path: /a'), 'g.yaml:1: routes[0].upstream: missing, expected the name of an upstream'],
  [
    route('path: /a, upstream: orders, timeouts: { total_seconds: -1 }'),
    'g.yaml:1: routes[0].timeouts.total_seconds: got -1, expected a number of seconds from 0 to 86400 (0 = no limit)',
  ],
  [
    route('path: /a, upstream: orders, max_body_bytes: 1.5'),
    'g.yaml:1: routes[0].max_body_bytes: got 1.5, expected a whole number from 0 to 1099511627776',
  ],
  [
    'upstreams: { o: { url: http://o } }\nroutes: []',
    'g.yaml:2: routes: got an empty list, expected at least one route',
  ],
  ['[1]', 'g.yaml:1: top level: got a list, expected a mapping'],
  [
    upstream('url: "http://me:pw@o"'),
    'g.yaml:1: upstreams.o.url: got "http://***@o", expected a URL without user name and password',
  ],
  [
    upstream('url: http://a, targets: [http://b]'),
    'g.yaml:1: upstreams.o.targets: url is set too, expected only one of url and targets',
  ],
  [upstream('queue: 1'), 'g.yaml:1: upstreams.o.url: missing, expected it or targets'],
  [
    upstream('targets: [http://a, http://a/]'),
    'g.yaml:1: upstreams.o.targets: got "http://a/", expected every target only once',
  ],
  [
    upstream('url: http://a, tls: { ca_file: no.pem }'),
    'g.yaml:1: upstreams.o.tls.ca_file: got "no.pem", expected a readable file; there is no such file',
  ],
  [
    upstream('url: http://a, tls: { ca_file: g.yaml }'),
    'g.yaml:1: upstreams.o.tls.ca_file: got "g.yaml", expected a PEM file with a certificate',
  ],
  [
    'upstreams: { "a b": { url: http://a } }\nroutes: [{ path: /o, upstream: a b }]',
    'g.yaml:1: upstreams["a b"]: got "a b", expected a name of letters, digits, ".", "_" and "-", at most 64, that starts with a letter or digit',
  ],
])('refused: %s', (yaml, line) => {
  expect(problemsOf(yaml)).toEqual([line]);
});

test.each([
  [
    'twins without names',
    '{ path: /a, upstream: o }, { path: /a, upstream: o }',
    ['routes[1]: takes the same requests as routes[0], expected another host, path or methods'],
  ],
  [
    'hosts in another case',
    '{ path: /a, upstream: o, host: A, name: x }, { path: /a, upstream: o, host: a, name: y }',
    ['routes[1]: takes the same requests as routes[0], expected another host, path or methods'],
  ],
  [
    'a shared method',
    '{ path: /a, upstream: o, methods: [GET, PUT] }, { name: b, path: /a, upstream: o, methods: [PUT] }',
    ['routes[1]: takes the same requests as routes[0], expected another host, path or methods'],
  ],
  [
    'the same name',
    '{ path: /a, upstream: o, name: x }, { path: /b, upstream: o, name: x }',
    ['routes[1].name: got "x", expected a name of its own; routes[0] has this one'],
  ],
  [
    'the same name from the path',
    '{ path: /a, upstream: o }, { exact: /a, upstream: o }',
    ['routes[1].name: got "a", expected a name of its own; routes[0] has this one (made from the path)'],
  ],
  [
    'methods that differ',
    '{ path: /a, upstream: o, methods: [GET] }, { name: b, path: /a, upstream: o, methods: [PUT] }',
    [],
  ],
  ['all methods beside one', '{ path: /a, upstream: o, methods: [GET] }, { name: b, path: /a, upstream: o }', []],
])('two routes: %s', (_name, routes, lines) => {
  expect(problemsOf(`upstreams: { o: { url: http://o } }\nroutes: [${routes}]`)).toEqual(
    lines.map((line) => `g.yaml:2: ${line}`),
  );
});

test('problems are found in one go, in the order of the file, each on its line', () => {
  const yaml = `# a comment
upstreams:
  orders:
    targets:
      - http://10.0.0.1

      - nonsense
    conections: 4
routes:
  - path: /a
    upstream: orders
  - path: /b
    upstrem: orders
    timeouts: &slow
      total_seconds: soon
  - path: /c
    upstream: orders
    timeouts: *slow
`;
  expect(problemsOf(yaml)).toEqual([
    'g.yaml:7: upstreams.orders.targets[1]: got "nonsense", expected an http or https URL such as http://10.0.0.1:8080',
    'g.yaml:8: upstreams.orders.conections: unknown key; did you mean "connections"?',
    'g.yaml:12: routes[1].upstream: missing, expected the name of an upstream',
    'g.yaml:13: routes[1].upstrem: unknown key; did you mean "upstream"?',
    'g.yaml:15: routes[1].timeouts.total_seconds: got "soon", expected a number of seconds from 0 to 86400 (0 = no limit)',
    'g.yaml:15: routes[2].timeouts.total_seconds: got "soon", expected a number of seconds from 0 to 86400 (0 = no limit)',
  ]);
});

test.each([
  ['routes:\n  - path: /a\n    path: /b\n', /^g\.yaml:3:5: not valid YAML; this key is here twice$/],
  ['routes: [\n  { path: /a\n', /^g\.yaml:\d+:\d+: not valid YAML; /],
  ['a: 1\n---\nb: 2\n', /^g\.yaml:2:1: not valid YAML; only one document/],
  ['routes: *nowhere', /^g\.yaml: not valid YAML; Unresolved alias/],
  ['routes: !!js/function "x"', /^g\.yaml:1:9: not valid YAML; Unresolved tag/],
  ['a: \t- b\n\tc: d', /^g\.yaml:\d+:\d+: not valid YAML; /],
  [
    `a: &a [x]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]`,
    /^g\.yaml: not valid YAML; Excessive alias count/,
  ],
])('syntax error in %j has its line and column', (yaml, line) => {
  expect(problemsOf(yaml)[0]).toMatch(line);
});

test('a bracket left open does not make a flood', () => {
  expect(problemsOf('['.repeat(5000)).length).toBeLessThanOrEqual(10);
});
