import { expect, test } from 'vitest';
import { formatProblems } from '../problems.ts';
import { configOf, read, yamlProblemsOf } from '../test-reading.ts';

const yaml = (route: string): string =>
  `routes: [{ path: /a, upstream: o, ${route} }]\nupstreams: { o: { url: http://o } }\n`;
const corsOf = (route: string) =>
  configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yaml(route) }).routes[0]?.rules?.cors;
const problemsOf = (route: string): readonly string[] =>
  yamlProblemsOf(yaml(route)).map((line) => line.replace('g.yaml:1: routes[0].', ''));

test('origins are said as browsers say them, and the rest has defaults', () => {
  expect(corsOf('cors: { origins: ["HTTPS://App.example.com:443", "https://*.Example.org"] }')).toEqual({
    origins: ['https://app.example.com', 'https://*.example.org'],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    headers: [],
    expose: [],
    credentials: false,
    maxAgeSeconds: 600,
  });
  const whole = corsOf(
    'methods: [GET, PUT], cors: { origins: ["*"], headers: ["*"], expose: [x-total], max_age_seconds: 0 }',
  );
  expect(whole).toMatchObject({
    origins: 'any',
    methods: ['GET', 'PUT', 'HEAD'],
    headers: ['*'],
    expose: ['x-total'],
    maxAgeSeconds: 0,
  });
  expect(corsOf('methods: [GET], cors: { origins: ["*"], methods: [HEAD] }')?.methods).toEqual(['HEAD']);
});

test('any origin with credentials is a mistake, and so is any other * there', () => {
  expect(problemsOf('cors: { origins: ["*"], credentials: true, headers: ["*"], expose: ["*"] }')).toEqual([
    'cors.origins: got "*", expected the origins that are meant: with credentials, * would let any page act as whoever looks at it',
    'cors.headers: got "*", expected names: with credentials, browsers take * for a name',
    'cors.expose: got "*", expected names: with credentials, browsers take * for a name',
  ]);
  expect(problemsOf('cors: { origins: ["*", "https://a"] }')).toEqual([
    'cors.origins: got more beside *, expected * alone, or origins without it',
  ]);
});

test.each([
  ['cors: {}', 'cors.origins: missing, expected a list of one or more origins'],
  ['cors: { origins: [] }', 'cors.origins: got an empty list, expected a list of one or more origins'],
  ...['https://a/', 'null', 'a.example', 'https://*', 'https://a.*.b'].map((origin) => [
    `cors: { origins: ["${origin}"] }`,
    `cors.origins[0]: got "${origin}", expected an origin such as https://app.example.com or https://*.example.com (no path, no slash at its end), or *`,
  ]),
  ['cors: { origins: ["*"], headers: ["a: b"] }', 'cors.headers[0]: got "a: b", expected a header name, or *'],
  [
    'cors: { origins: ["*"], methods: [get] }',
    'cors.methods[0]: got "get", expected a method the gateway forwards, such as GET or POST, in upper case',
  ],
  [
    'methods: [GET], cors: { origins: ["*"], methods: [GET, HEAD, PUT] }',
    'cors.methods[2]: got "PUT", expected one of the route\'s methods (GET)',
  ],
  [
    'cors: { origins: ["*"], max_age_seconds: -1 }',
    'cors.max_age_seconds: got -1, expected a whole number from 0 to 86400',
  ],
  [
    'cors: { origins: ["*"] }, response_headers: { set: { Access-Control-Allow-Origin: "*" } }',
    'response_headers.set.Access-Control-Allow-Origin: cors says it too, expected only one of it and cors',
  ],
])('%s', (route, problem) => {
  expect(problemsOf(route)).toEqual([problem]);
});

test('a preflight never has the fields that a route asks for', () => {
  const { warnings } = read(
    { GATEWAY_CONFIG: 'g.yaml' },
    { 'g.yaml': yaml('match: { headers: { x-version: "2" } }, cors: { origins: ["*"] }') },
  );
  expect(formatProblems(warnings)).toContain('routes.a.cors: preflights do not have the fields of match.headers');
});
