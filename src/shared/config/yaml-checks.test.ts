import { expect, test } from 'vitest';
import { yamlProblemsOf as problemsOf, yamlProblemsOf } from './test-reading.ts';

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
  [
    route('path: /a'),
    'g.yaml:1: routes[0].upstream: missing, expected the name of an upstream (or split, redirect or respond)',
  ],
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
    'g.yaml:12: routes[1].upstream: missing, expected the name of an upstream (or split, redirect or respond)',
    'g.yaml:13: routes[1].upstrem: unknown key; did you mean "upstream"?',
    'g.yaml:15: routes[1].timeouts.total_seconds: got "soon", expected a number of seconds from 0 to 86400 (0 = no limit)',
    'g.yaml:15: routes[2].timeouts.total_seconds: got "soon", expected a number of seconds from 0 to 86400 (0 = no limit)',
  ]);
});

test('an upstream whose name no object may have', () => {
  const yaml = 'upstreams: { __proto__: { url: http://o } }\nroutes: [{ path: /a, upstream: __proto__ }]';
  expect(yamlProblemsOf(yaml)).toEqual([
    expect.stringMatching(/^g\.yaml:1: upstreams\.__proto__: got "__proto__", expected a name of letters/),
  ]);
  const used = 'upstreams: {}\nroutes: [{ path: /a, upstream: constructor }]';
  expect(yamlProblemsOf(used)).toEqual([expect.stringContaining('expected the name of an upstream')]);
});
