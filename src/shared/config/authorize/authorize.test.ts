import { describe, expect, test } from 'vitest';
import { configOf, read as readAll, yamlProblemsOf } from '../test-reading.ts';
import type { Config, RouteConfig } from '../types.ts';
import { parseAuthorizerUrl } from './url.ts';

/** One route (line 1) with this `authorize` beside an upstream, and what else the route has. */
const file = (authorize: string, more = ''): string =>
  `routes: [{ path: /a, upstream: o, authorize: { ${authorize} }${more} }]\nupstreams: { o: { url: http://o } }\n`;

const read = (yaml: string): Config => configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yaml });
const routeOf = (authorize: string): RouteConfig => read(file(authorize)).routes[0] as RouteConfig;
const problems = (authorize: string, more = ''): readonly string[] => yamlProblemsOf(file(authorize, more));

describe('what is asked', () => {
  test('a URL alone has the defaults, and an upstream of its own', () => {
    const config = read(file('url: "http://authz:9000/check/?a=b"'));
    expect(config.routes[0]?.authorization).toEqual({
      upstream: 'authorizer:http:authz:9000',
      target: '/check/?a=b',
      forward: ['authorization', 'cookie'],
      copy: [],
      timeoutMs: 1_000,
      cacheMs: 10_000,
      negativeCacheMs: 1_000,
      cacheBy: undefined,
      onFailure: 'closed',
    });
    expect(config.upstreams.map(({ name }) => name)).toEqual(['o', 'authorizer:http:authz:9000']);
    expect(config.upstreams[1]).toMatchObject({
      targets: [{ origin: 'http://authz:9000', basePath: '' }],
      tls: { verify: true },
      pipelining: 1,
    });
  });

  test('all of it can be said', () => {
    const { authorization } = routeOf(
      'upstream: o, path: "/c?d", forward: [X-Token, cookie], copy: [X-User, Authorization], timeout_seconds: 0.25, ' +
        'cache_seconds: 60, negative_cache_seconds: 0, cache_by: [x-token, path, address], on_failure: open',
    );
    expect(authorization).toEqual({
      upstream: 'o',
      target: '/c?d',
      forward: ['x-token', 'cookie'],
      copy: ['x-user', 'authorization'],
      timeoutMs: 250,
      cacheMs: 60_000,
      negativeCacheMs: 0,
      cacheBy: { fields: ['x-token'], parts: ['path', 'address'] },
      onFailure: 'open',
    });
  });

  test('routes that ask the same server share an upstream', () => {
    const { upstreams, routes } = read(`
upstreams: { o: { url: http://o }, z: { url: http://z } }
routes:
  - { path: /a, upstream: o, authorize: { url: "http://authz/a" } }
  - { path: /b, upstream: o, authorize: { url: "http://AUTHZ:80/b" } }
  - { path: /c, upstream: o, authorize: { url: "https://authz/" } }
  - { path: /d, upstream: o, authorize: { upstream: z } }
`);
    expect(upstreams.map(({ name }) => name)).toEqual(['o', 'z', 'authorizer:http:authz', 'authorizer:https:authz']);
    expect(routes.map(({ authorization }) => authorization?.target)).toEqual(['/a', '/b', '/', '/']);
  });

  test('an upstream that only authorizes is not idle', () => {
    const yaml = file('upstream: z').replace('o: {', 'z: { url: http://z }, o: {');
    const result = readAll({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yaml });
    expect(result.warnings).toEqual([]);
  });

  test('what it says of callers is dropped from clients on every route to the same upstream, and no other', () => {
    const { routes } = read(`
upstreams: { o: { url: http://o }, p: { url: http://p } }
routes:
  - { path: /a, upstream: o, authorize: { url: "http://authz/", copy: [X-User] } }
  - { path: /b, upstream: o, authorize: { url: "http://authz/", copy: [x-user, x-groups] } }
  - { path: /c, upstream: o }
  - { path: /d, upstream: p }
`);
    const both = ['x-user', 'x-groups'];
    expect(routes.map(({ authorizedFields }) => authorizedFields)).toEqual([both, both, both, []]);
  });
});

test.each([
  ['http://a', '/'],
  ['http://a?b=1', '/?b=1'],
  ['https://a:8443/x/', '/x/'],
  ['http://[::1]:1/~u/%41', undefined],
  ['http://a/x%2Fy', '/x%2Fy'],
  ['http://a/../x', undefined],
  ['http://u:p@a/', undefined],
  ['http://a/#f', undefined],
  ['http://a/?q=ü', undefined],
  ['http://a /', undefined],
  ['http://a/b c', undefined],
  ['http://a:0/', undefined],
  ['ftp://a/', undefined],
  ['a/b', undefined],
  ['', undefined],
])('%j is asked for %j', (url, target) => {
  const parsed = parseAuthorizerUrl(url);
  expect(parsed.ok ? parsed.value.target : undefined).toBe(target);
});

describe('problems', () => {
  const at = 'g.yaml:1: routes[0].authorize';

  test('all of them at once, each with its line', () => {
    expect(
      problems(
        'url: "http://u:p@a/", forward: [host, x_a, cookie, Cookie], copy: [x-consumer-id, connection], ' +
          'timeout_seconds: 0, cache_seconds: -1, on_failure: ajar, coppy: [a]',
      ),
    ).toEqual([
      `${at}.url: got "http://***@a/", expected a URL without user name and password`,
      `${at}.forward[0]: got "host", expected a field that the gateway neither sets itself nor keeps to one connection`,
      `${at}.forward[1]: got "x_a", expected the name of a field, of letters, digits and "-"`,
      `${at}.copy[0]: got "x-consumer-id", expected a field that the gateway neither sets itself nor keeps to one connection`,
      `${at}.copy[1]: got "connection", expected a field that the gateway neither sets itself nor keeps to one connection`,
      `${at}.timeout_seconds: got 0, expected a number of seconds from 0.01 to 60`,
      `${at}.cache_seconds: got -1, expected a number from 0 to 3600`,
      `${at}.on_failure: got "ajar", expected one of closed, open`,
      expect.stringContaining(`${at}.coppy: unknown key`) as string,
    ]);
  });

  test.each([
    ['timeout_seconds: 1', '', '.url: missing, expected it or upstream'],
    ['url: "http://a", upstream: o', '', '.upstream: url is set too, expected only one of url and upstream'],
    ['upstream: p', '', '.upstream: got "p", expected the name of an upstream (o); did you mean "o"?'],
    ['url: "http://a", path: /x', '', '.path: url has a path of its own, expected upstream with it'],
    ['url: "http://a", forward: [cookie, Cookie]', '', '.forward[1]: got "Cookie", expected every field only once'],
    ['url: "http://a", copy: [x-a, X-A]', '', '.copy[1]: got "X-A", expected every field only once'],
    [
      'url: "http://a", cache_by: [x-token]',
      '',
      '.cache_by[0]: got "x-token", expected a field of forward, or one of method, host, path, uri, address, consumer',
    ],
    [
      'url: "http://a", cache_by: [path, method]',
      '',
      '.cache_by: callers would get the answers of others, expected a field of forward, or address or consumer, among them',
    ],
    [
      'url: "http://a", cache_by: [consumer]',
      '',
      '.cache_by: nobody is asked who he is, expected authenticate with consumer',
    ],
  ])('%s %s', (authorize, more, problem) => {
    expect(problems(authorize, more)).toEqual([at + problem]);
  });

  test('these are none', () => {
    expect(problems('url: "http://a", cache_by: [consumer, uri]', ', authenticate: [api_key]')).toEqual([]);
    expect(problems('url: "http://a", forward: [], cache_by: [address]')).toEqual([]);
  });
});
