import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { RouteConfig } from '../config/types.ts';
import { forwardPath, Router } from './router.ts';
import { pathForRouting, mergeSlashes } from './target.ts';

const DEFAULTS: RouteConfig = {
  name: 'r',
  path: '/',
  exact: false,
  ignoreCase: false,
  ignoreTrailingSlash: false,
  methods: undefined,
  host: undefined,
  upstream: 'u',
  match: undefined,
  rules: undefined,
  stripPrefix: false,
  preserveHost: false,
  split: undefined,
  mirror: undefined,
  retries: undefined,
  priority: undefined,
  timeouts: { connectMs: 1, headersMs: 1, bodyIdleMs: 1, uploadMs: 0, totalMs: 0 },
  maxQueryBytes: 1,
  maxBodyBytes: 1,
  maxResponseBytes: 0,
  limits: undefined,
  authentication: undefined,
  authorization: undefined,
  authorizedFields: [],
  profileLimits: [],
  websocket: undefined,
};

function route(name: string, path: string, more: Partial<RouteConfig> = {}): RouteConfig {
  return { ...DEFAULTS, name, path, ...more };
}

const GET = { host: 'h', method: 'GET', fields: '', query: undefined };

/** The answer in one word: the route's name, `no_route`, or `405 GET, PUT`. */
function ask(
  router: Router<string>,
  path: string,
  { host = 'h', method = 'GET', fields = '', query = '' } = {},
): string {
  const match = router.match({ host, method, fields, query }, path);
  if (match.kind === 'route') return match.config.name;
  return match.kind === 'no_route' ? 'no_route' : `405 ${match.allow}`;
}

describe('Router', () => {
  test('no routes', () => {
    expect(ask(new Router([], () => 'stages'), '/')).toBe('no_route');
  });

  test.each([
    ['/orders', 'orders'],
    ['/orders/', 'orders'],
    ['/orders/7', 'orders'],
    ['/ordersX', 'no_route'],
    ['/order', 'no_route'],
    ['/', 'no_route'],
    ['/x/orders', 'no_route'],
  ])('a prefix ends at a segment: %s -> %s', (path, expected) => {
    const alone = [route('orders', '/orders')];
    expect(ask(new Router(alone, () => 'stages'), path)).toBe(expected);
    expect(ask(new Router([...alone, route('other', '/other/place')], () => 'stages'), path)).toBe(expected);
  });

  test('the root takes everything', () => {
    const router = new Router([route('root', '/')], () => 'stages');
    expect(['/', '/a', '/a/b/'].map((path) => ask(router, path))).toEqual(['root', 'root', 'root']);
  });

  test('a prefix with a trailing slash takes what is below it only', () => {
    const router = new Router([route('below', '/a/'), route('all', '/a'), route('root', '/')], () => 'stages');
    expect(['/a', '/a/', '/a/b', '/ab'].map((path) => ask(router, path))).toEqual(['all', 'below', 'below', 'root']);
  });

  test('exact before prefix, longer prefix before shorter, methods before none, then order', () => {
    const router = new Router(
      [
        route('first', '/a'),
        route('second', '/a'),
        route('post', '/a', { methods: ['POST'] }),
        route('deep', '/a/b'),
        route('exact', '/a/b', { exact: true }),
      ],
      () => 'stages',
    );
    expect(ask(router, '/a')).toBe('first');
    expect(ask(router, '/a', { method: 'POST' })).toBe('post');
    expect(ask(router, '/a/b')).toBe('exact');
    expect(ask(router, '/a/b/c')).toBe('deep');
  });

  test('hosts: exact, longer wildcard, wildcard, none; case and port do not matter', () => {
    const router = new Router(
      [
        route('any', '/'),
        route('wild', '/', { host: '*.example.com' }),
        route('wilder', '/', { host: '*.b.example.com' }),
        route('exact', '/only', { host: 'a.example.com' }),
      ],
      () => 'stages',
    );
    expect(ask(router, '/only', { host: 'A.Example.COM:8080' })).toBe('exact');
    expect(ask(router, '/only', { host: 'a.example.com.' })).toBe('exact');
    expect(ask(router, '/else', { host: 'a.example.com' })).toBe('wild');
    expect(ask(router, '/', { host: 'x.y.b.example.com' })).toBe('wilder');
    expect(ask(router, '/', { host: 'example.com' })).toBe('any');
    expect(ask(router, '/', { host: '.example.com' })).toBe('any');
    expect(ask(router, '/', { host: '[::1]:80' })).toBe('any');
  });

  test('405 names the methods of every route that takes the host and path, once each', () => {
    const router = new Router(
      [
        route('a', '/a', { methods: ['GET', 'HEAD'] }),
        route('b', '/', { methods: ['GET', 'PUT'] }),
        route('c', '/', { methods: ['PATCH'], host: 'other' }),
      ],
      () => 'stages',
    );
    expect(ask(router, '/a', { method: 'POST' })).toBe('405 GET, HEAD, PUT');
    expect(ask(router, '/a', { method: 'PUT' })).toBe('b');
    expect(ask(new Router([route('a', '/a', { methods: ['GET'] })], () => 'stages'), '/a', { method: 'POST' })).toBe(
      '405 GET, HEAD',
    );
  });

  test('HEAD goes with GET, unless a route for the same path names it', () => {
    const all = [route('loose', '/'), route('strict', '/export', { methods: ['GET'] })];
    expect(ask(new Router(all, () => 'stages'), '/export', { method: 'HEAD' })).toBe('strict');
    expect(ask(new Router(all.slice(1), () => 'stages'), '/export', { method: 'HEAD' })).toBe('strict');
    const head = route('head', '/export', { methods: ['PUT', 'HEAD'] });
    const router = new Router([...all, head], () => 'stages');
    const names = ['HEAD', 'GET', 'PUT', 'POST'].map((method) => ask(router, '/export', { method }));
    expect(names).toEqual(['head', 'strict', 'head', 'loose']);
  });

  test('a method in another case goes where it goes in upper case', () => {
    const all = [route('loose', '/'), route('strict', '/export', { methods: ['GET'] })];
    const router = new Router(all, () => 'stages');
    expect(['get', 'Head', 'post'].map((method) => ask(router, '/export', { method }))).toEqual([
      'strict',
      'strict',
      'loose',
    ]);
  });

  test.each([
    ['/export', 'strict'],
    ['/EXPORT', 'strict'],
    ['/Export/', 'strict'],
    ['/export/x', 'loose'],
    ['/api/x', 'any-case'],
    ['/API/x', 'any-case'],
    ['/Api/x', 'this-case'],
    ['/Api', 'this-case'],
    ['/APIs', 'loose'],
    ['/Folder/', 'folder'],
    ['/Folder', 'folder'],
    ['/folder', 'loose'],
    ['/both', 'without'],
    ['/both/', 'with'],
  ])('ignore_case and ignore_trailing_slash: %s -> %s', (path, expected) => {
    const exact = { exact: true, ignoreTrailingSlash: true };
    const routes = [
      route('loose', '/'),
      route('strict', '/Export', { ...exact, ignoreCase: true }),
      route('any-case', '/api', { ignoreCase: true }),
      route('this-case', '/Api'),
      route('folder', '/Folder/', exact),
      route('with', '/both/', exact),
      route('without', '/both', exact),
    ];
    expect(ask(new Router(routes, () => 'stages'), path)).toBe(expected);
    const found = routes.filter(({ name }) => name === expected);
    expect(ask(new Router(found, () => 'stages'), path), 'alone').toBe(expected);
  });

  test('a hostile host does not make matching slow', () => {
    const router = new Router([route('wild', '/', { host: '*.example.com' })], () => 'stages');
    expect(ask(router, '/', { host: '.a'.repeat(8000) })).toBe('no_route');
  });
});

test.each([
  ['/proxy', '/proxy', '/'],
  ['/proxy', '/proxy/', '/'],
  ['/proxy', '/proxy/ok', '/ok'],
  ['/proxy/', '/proxy/ok', '/ok'],
  ['/', '/', '/'],
  ['/', '/ok', '/ok'],
])('forwardPath strips %s from %s: %s', (prefix, path, expected) => {
  const match = new Router([route('r', prefix, { stripPrefix: true })], () => 'stages').match(GET, path);
  const kept = new Router([route('r', prefix)], () => 'stages').match(GET, path);
  expect(match.kind === 'route' && forwardPath(match, path)).toBe(expected);
  expect(kept.kind === 'route' && forwardPath(kept, path)).toBe(path);
});

describe('conditions', () => {
  const header = (name: string, value: string) => ({ headers: [{ name, value }], query: [] });
  const two = { headers: [{ name: 'x', value: '1' }], query: [{ name: 'q', value: '1' }] };
  const routes = [
    route('plain', '/a'),
    route('one', '/a', { match: header('x', '1') }),
    route('both', '/a', { match: two }),
    route('get', '/a', { methods: ['GET'] }),
    route('deeper', '/a/b', { match: header('x', '2') }),
    route('only', '/z', { match: header('x', '1'), methods: ['PUT'] }),
  ];
  const router = new Router(routes, () => 'stages');
  const x1 = 'x: 1\r\n';

  test.each([
    ['/a', {}, 'get'],
    ['/a', { method: 'PUT' }, 'plain'],
    ['/a', { fields: x1 }, 'one'],
    ['/a', { fields: x1, query: 'q=1' }, 'both'],
    ['/a', { query: 'q=1' }, 'get'],
    ['/a/b', { fields: 'x: 2\r\n' }, 'deeper'],
    ['/a/b', { fields: x1 }, 'one'],
    ['/a/b', {}, 'get'],
    ['/z', {}, 'no_route'],
    ['/z', { fields: x1 }, '405 PUT'],
    ['/z', { fields: x1, method: 'PUT' }, 'only'],
  ])('%s %j -> %s', (path, asked, expected) => {
    expect(ask(router, path, asked)).toBe(expected);
  });

  test('of the only route', () => {
    const alone = new Router([route('one', '/a', { match: header('x', '1') })], () => 'stages');
    expect(ask(alone, '/a')).toBe('no_route');
    expect(ask(alone, '/a', { fields: x1 })).toBe('one');
  });
});

test('an exact route strips to the root', () => {
  const match = new Router([route('r', '/a/b', { exact: true, stripPrefix: true })], () => 'stages').match(GET, '/a/b');
  expect(match.kind === 'route' && forwardPath(match, '/a/b')).toBe('/');
});

const path = fc
  .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 })
  .chain((segments) =>
    fc.constantFrom(`/${segments.join('/')}`, segments.length > 0 ? `/${segments.join('/')}/` : '/'),
  );
const methods = fc.option(fc.uniqueArray(fc.constantFrom('GET', 'PUT', 'POST'), { minLength: 1 }), { nil: undefined });
const host = fc.constantFrom(
  undefined,
  undefined,
  undefined,
  undefined,
  'x.com',
  'a.x.com',
  '*.x.com',
  '*.a.x.com',
  '*.com',
);
const routes = fc
  .array(fc.record({ path, methods, host, exact: fc.constantFrom(false, false, true) }), { maxLength: 14 })
  .map((list) => list.map((more, index) => route(`r${index}`, more.path, more)));
const request = fc.record({
  path,
  // No route lists PATCH: often 405.
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'PATCH'),
  host: fc.constantFrom('x.com', 'A.x.com:80', 'b.a.x.com', 'com', '.com', '[::1]:5000', 'z'),
});

/** The documented order said once more, slowly: sort, scan, first that takes all three. */
function model(list: readonly RouteConfig[], asked: { host: string; path: string; method: string }): string {
  const name = asked.host.toLowerCase().replace(/:\d+$/, '');
  const fits = (r: RouteConfig): boolean => {
    const below = r.path.endsWith('/') ? r.path : `${r.path}/`;
    const wild = r.host?.startsWith('*.') === true;
    const hostFits =
      r.host === undefined ||
      (wild ? new RegExp(`^.+${r.host.slice(1).replaceAll('.', '\\.')}$`).test(name) : r.host === name);
    return hostFits && (asked.path === r.path || (!r.exact && asked.path.startsWith(below)));
  };
  const key = (r: RouteConfig, index: number): number[] => [
    r.host === undefined ? 2 : r.host.startsWith('*') ? 1 : 0,
    -(r.host?.length ?? 0),
    r.exact ? 0 : 1,
    -r.path.length,
    r.methods === undefined ? 1 : 0,
    index,
  ];
  const sorted = list
    .map((r, index) => ({ r, key: key(r, index) }))
    .filter(({ r }) => fits(r))
    .sort((a, b) => {
      const at = a.key.findIndex((value, i) => value !== b.key[i]);
      return (a.key[at] ?? 0) - (b.key[at] ?? 0);
    });
  const methodsOf = (r: RouteConfig): string[] | undefined =>
    r.methods?.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const winner = sorted.find(({ r }) => methodsOf(r)?.includes(asked.method) !== false);
  if (winner !== undefined) return winner.r.name;
  return sorted.length === 0
    ? 'no_route'
    : `405 ${[...new Set(sorted.flatMap(({ r }) => methodsOf(r) ?? []))].join(', ')}`;
}

prop.prop([routes, fc.array(request, { minLength: 1, maxLength: 20 })], { numRuns: 1500 })(
  'Router answers as a sorted scan does',
  (list, requests) => {
    const router = new Router(list, () => 'stages');
    for (const asked of requests) expect(ask(router, asked.path, asked)).toBe(model(list, asked));
  },
);

test.each([
  ['/proxy//x', '//x'],
  ['//proxy/x', '/x'],
  ['///proxy///x//y', '///x//y'],
  ['//proxy', '/'],
])('a prefix that was found with slashes merged is taken off what is forwarded: %s -> %s', (path, forwarded) => {
  const router = new Router([route('proxy', '/proxy', { stripPrefix: true })], () => 'stages');
  const match = router.match(GET, mergeSlashes(path));
  if (match.kind !== 'route') throw new Error(match.kind);
  expect(forwardPath(match, path)).toBe(forwarded);
});

test.each([
  ['/proxy;v=1/x;y', '/x;y'],
  ['/proxy;v=1', '/'],
  ['/Proxy/x', '/x'],
  ['/PROXY;a/;b/x', '/;b/x'],
  ['/proxy%3Ba/x', '/x'],
  ['/proxy%2Fx', '/x'],
  ['/proxy%2F', '/'],
  ['/proxy%5Cx%2Fy', '/x%2Fy'],
  ['/proxy;a%2Fx', '/x'],
])('parameters and the case of a prefix do not change what it is taken off: %s -> %s', (path, forwarded) => {
  const router = new Router([route('proxy', '/proxy', { stripPrefix: true, ignoreCase: true })], () => 'stages');
  const match = router.match(GET, pathForRouting(path));
  if (match.kind !== 'route') throw new Error(match.kind);
  expect(forwardPath(match, path)).toBe(forwarded);
});
