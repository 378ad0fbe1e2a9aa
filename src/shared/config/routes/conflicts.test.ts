import { expect, test } from 'vitest';
import { yamlProblemsOf as problemsOf } from '../test-reading.ts';

test.each([
  [
    'twins without names',
    '{ path: /a, upstream: o }, { path: /a, upstream: o }',
    ['routes[1]: takes the same requests as routes[0], expected another host, path, methods or match'],
  ],
  [
    'hosts in another case',
    '{ path: /a, upstream: o, host: A, name: x }, { path: /a, upstream: o, host: a, name: y }',
    ['routes[1]: takes the same requests as routes[0], expected another host, path, methods or match'],
  ],
  [
    'a shared method',
    '{ path: /a, upstream: o, methods: [GET, PUT] }, { name: b, path: /a, upstream: o, methods: [PUT] }',
    ['routes[1]: takes the same requests as routes[0], expected another host, path, methods or match'],
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
    'paths in another case that does not matter',
    '{ path: /a, upstream: o, ignore_case: true, name: x }, { path: /A, upstream: o, ignore_case: true, name: y }',
    ['routes[1]: takes the same requests as routes[0], expected another host, path, methods or match'],
  ],
  [
    'a case that matters for one',
    '{ path: /a, upstream: o, ignore_case: true, name: x }, { path: /a, upstream: o }',
    [],
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
