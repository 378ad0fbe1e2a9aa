import { expect, test } from 'vitest';
import { formatProblems } from './problems.ts';
import { read } from './test-reading.ts';

/** The warnings of a configuration that is good. */
function warningsOf(env: Record<string, string>, routes?: string): readonly string[] {
  const yaml = `upstreams: { o: { url: http://o } }\nroutes: [${routes ?? ''}]`;
  const { ok, warnings } = read(routes === undefined ? env : { GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml });
  expect(ok).toBe(true);
  return warnings.length === 0 ? [] : formatProblems(warnings).split('\n');
}

test('a cost that no bucket can pay, and a lease that pays for no request', () => {
  const limits = 'limits: [{ capacity: 3, refill_per_second: 1 }]';
  expect(warningsOf({}, `{ path: /a, upstream: o, cost: 5, lease: 4, ${limits} }`)).toEqual([
    'routes.a.cost: got 5, expected at most 3, the capacity (else every request is refused)',
    'routes.a.lease: got 4, expected 0 or at least 5, the cost (else nothing is taken ahead)',
  ]);
  expect(warningsOf({}, `{ path: /a, upstream: o, cost: 3, lease: 3, ${limits} }`)).toEqual([]);
});

test('a capacity of 0 is meant', () => {
  expect(warningsOf({ RATE_LIMIT_CAPACITY: '0' })).toEqual([]);
});

test('settings of limits on a route that is not limited', () => {
  const route = '{ path: /a, upstream: o, cost: 2, shadow: true }';
  const rest = 'the route is not limited, expected limits, or RATE_LIMIT_CAPACITY in the environment';
  expect(warningsOf({}, route)).toEqual([`routes.a.cost: ${rest}`, `routes.a.shadow: ${rest}`]);
  expect(warningsOf({ RATE_LIMIT_CAPACITY: '9' }, route)).toEqual([]);
  expect(warningsOf({}, '{ path: /a, upstream: o, cost: 2, limits: [] }')).toEqual([]);
});

test('settings of Redis without REDIS_URL', () => {
  const rest = 'no Redis is used, expected REDIS_URL with it';
  expect(warningsOf({ REDIS_MODE: 'cluster', REDIS_PASSWORD: 'hunter2' })).toEqual([
    `REDIS_MODE: ${rest}`,
    `REDIS_PASSWORD: ${rest}`,
  ]);
  expect(warningsOf({ REDIS_URL: 'redis://a', REDIS_PASSWORD: 'x' })).toEqual([]);
});

test('settings of TLS without a certificate', () => {
  expect(warningsOf({ FRONT: 'native', TLS_MIN_VERSION: 'TLSv1.3', TLS_MAX_HANDSHAKES: '9' })).toEqual([
    'TLS_MIN_VERSION: TLS is off, expected TLS_CERT_FILE with it',
    'TLS_MAX_HANDSHAKES: TLS is off, expected TLS_CERT_FILE with it',
  ]);
});

test('PROXY headers of nobody', () => {
  expect(warningsOf({ FRONT: 'native', PROXY_PROTOCOL: 'on' })).toEqual([
    'PROXY_PROTOCOL: no proxy is trusted, expected TRUSTED_PROXIES with it',
  ]);
  expect(warningsOf({ FRONT: 'native', PROXY_PROTOCOL: 'on', TRUSTED_PROXIES: '::1' })).toEqual([]);
});

test('patterns in paths, which are taken literally', () => {
  const rest =
    'expected a path as it is asked for: *, :name and {name} stand for themselves, and a path takes all that is below it';
  const routes = [
    'path: /a/*',
    'path: /b/:id',
    'exact: "/c/{id}/d"',
    'path: /e/<id>',
    'exact: "/f/[id]"',
    'path: /g/.+',
    'path: "/h/[0-9]+"',
    'path: "/i/(x|y)"',
    'path: /j$',
  ];
  expect(warningsOf({}, routes.map((path) => `{ ${path}, upstream: o }`).join(', '))).toEqual([
    `routes.a.path: got "/a/*", ${rest}`,
    `routes.b-id.path: got "/b/:id", ${rest}`,
    `routes.c-id-d.exact: got "/c/{id}/d", ${rest}`,
    `routes.e-id.path: got "/e/<id>", ${rest}`,
    `routes.f-id.exact: got "/f/[id]", ${rest}`,
    `routes.g-..path: got "/g/.+", ${rest}`,
    `routes.h-0-9.path: got "/h/[0-9]+", ${rest}`,
    `routes.i-x-y.path: got "/i/(x|y)", ${rest}`,
    `routes.j.path: got "/j$", ${rest}`,
  ]);
  const literal = '{ path: /odata/$metadata, upstream: o }, { path: "/a(b)/c:d", upstream: o }';
  expect(warningsOf({}, literal)).toEqual([]);
});

test('strict limits that a looser route leads past', () => {
  const strict = (fields: string): string =>
    `{ upstream: o, limits: [{ capacity: 5, refill_per_second: 1 }], ${fields} }`;
  const loose = (fields: string): string =>
    `{ upstream: o, limits: [{ capacity: 6, refill_per_second: 1 }], ${fields} }`;
  const taken = 'is taken by the route root, whose limits are looser';
  const byCase = `routes.export.ignore_case: /EXPORT ${taken}, expected true, unless the upstream tells /EXPORT from /export`;
  for (const other of [loose('path: /'), '{ upstream: o, path: /, limits: [] }']) {
    expect(warningsOf({}, `${strict('path: /export')}, ${other}`)).toEqual([byCase]);
    expect(warningsOf({}, `${other}, ${strict('exact: /export')}`)).toEqual([
      byCase,
      `routes.export.ignore_trailing_slash: /export/ ${taken}, expected true, unless the upstream tells /export/ from /export`,
    ]);
    const closed = strict('exact: /export, ignore_case: true, ignore_trailing_slash: true');
    expect(warningsOf({}, `${closed}, ${other}`)).toEqual([]);
  }
  expect(warningsOf({}, `${strict('path: /export')}, ${loose('path: /, host: a.example')}`)).toEqual([
    'routes.export.host: a.example/export is taken by the route root, whose limits are looser, ' +
      'expected a route like it for a.example (hosts go before paths)',
  ]);
  expect(warningsOf({}, `${strict('path: /export')}, ${strict('path: /')}`)).toEqual([]);
});

test('clients named by what nobody verifies', () => {
  const warning = (names: string): string =>
    `RATE_LIMIT_KEY: nobody verifies ${names}: who sends another value each time is never refused, ` +
    'expected ip, or TRUSTED_PROXIES that verify it';
  expect(warningsOf({ RATE_LIMIT_KEY: 'ip' })).toEqual([]);
  expect(warningsOf({ RATE_LIMIT_KEY: 'header:X-Api-Key,ip' })).toEqual([warning('x-api-key')]);
  expect(warningsOf({ RATE_LIMIT_KEY: 'bearer,header-plain:d' })).toEqual([warning('Authorization (bearer), d')]);
  expect(warningsOf({ RATE_LIMIT_KEY: 'bearer', TRUSTED_PROXIES: '10.0.0.0/8' })).toEqual([]);
  expect(warningsOf({ RATE_LIMIT_KEY: 'header:authorization', TRUSTED_PROXIES: '10.0.0.0/8' })).toEqual([
    'RATE_LIMIT_KEY: the same credentials can be written in many ways, each a client of its own, expected bearer or basic',
  ]);
  expect(warningsOf({ RATE_LIMIT_KEY: 'bearer' }, '{ path: /a, upstream: o }')).toEqual([]);
});

test('names like one of ours', () => {
  expect(warningsOf({ REDIS_URI: 'x', REDIS_HOST: 'x', RATE_LIMIT_CAPACTY: '1', NODE_ENV: 'x' })).toEqual([
    'REDIS_URI: the gateway has no such variable; did you mean "REDIS_URL"?',
    'RATE_LIMIT_CAPACTY: the gateway has no such variable; did you mean "RATE_LIMIT_CAPACITY"?',
  ]);
});

test('a path of probes for an upstream that is not made of UPSTREAM_URL', () => {
  const line =
    'HEALTH_PATH: no upstream is made of UPSTREAM_URL, expected health in the upstreams of the YAML, or UPSTREAM_URL';
  expect(warningsOf({ HEALTH_PATH: '/h' }, '{ path: /a, upstream: o, limits: [] }')).toEqual([line]);
  expect(warningsOf({ HEALTH_PATH: '/h', UPSTREAM_URL: 'http://a' })).toEqual([]);
  expect(warningsOf({ HEALTH_PATH: '/h' })).toEqual([]);
});
