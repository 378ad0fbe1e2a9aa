import { describe, expect, test } from 'vitest';
import { describeConfig } from '../describe-config.ts';
import { configOf, yamlProblemsOf } from '../test-reading.ts';

const GOOD = `
upstreams: { o: { url: http://o } }
routes:
  - name: beta
    path: /api
    upstream: o
    match: { headers: { X-Version: "2" }, query: { beta: "1", lang: "" } }
    rewrite: { prefix: /v2 }
    authenticate: [api_key]
    request_headers:
      set: { X-Env: prod, X-Who: "\${consumer}", Authorization: "Basic abc" }
      add: { X-Note: "costs $\${5}" }
      remove: [X-Debug]
    response_headers: { set: { Strict-Transport-Security: max-age=31536000 }, remove: [Server] }
  - { path: /api, upstream: o, rewrite: { pattern: "^/api/u/(\\\\d+)$", to: /users/$1 } }
  - { path: /root, upstream: o, rewrite: { prefix: / } }
  - { path: /old, redirect: { to: https://new.example.com/, status: 308, keep_path: true } }
  - { path: /docs, redirect: { to: /manual } }
  - { exact: /healthz, respond: { text: ok } }
  - { exact: /info, respond: { status: 201, json: { a: [1, null] } } }
  - { exact: /null, respond: { json: null } }
  - { exact: /page, respond: { body: "<p>hi", type: text/html } }
  - { exact: /empty, respond: { status: 204 } }
  - { path: /gone, respond: { status: 410 }, limits: [], strip_prefix: false }
`;
const withEnv = (yaml: string) => configOf({ GATEWAY_CONFIG: 'g.yaml', RATE_LIMIT_CAPACITY: '5' }, { 'g.yaml': yaml });

describe('good rules', () => {
  const { routes } = withEnv(GOOD);
  const rulesOf = (path: string) => routes.find((route) => route.path === path)?.rules;

  test('header fields', () => {
    expect(routes[0]).toMatchObject({
      match: {
        headers: [{ name: 'x-version', value: '2' }],
        query: [
          { name: 'beta', value: '1' },
          { name: 'lang', value: '' },
        ],
      },
      rules: {
        rewrite: { kind: 'prefix', prefix: '/v2' },
        requestHeaders: {
          set: [
            { name: 'x-env', value: 'prod' },
            { name: 'x-who', value: '${consumer}' },
            { name: 'authorization', value: 'Basic abc' },
          ],
          add: [{ name: 'x-note', value: 'costs $${5}' }],
          remove: ['x-debug'],
        },
        responseHeaders: { remove: ['server'] },
      },
    });
  });

  test('what answers has no upstream, and no limits, whatever the environment says', () => {
    expect(rulesOf('/old')?.answer).toEqual({
      kind: 'redirect',
      to: 'https://new.example.com',
      status: 308,
      keepPath: true,
    });
    expect(rulesOf('/docs')?.answer).toEqual({ kind: 'redirect', to: '/manual', status: 307, keepPath: false });
    const respond = (status: number, type: string, text: string) => ({ kind: 'respond', status, type, text });
    expect(rulesOf('/healthz')?.answer).toEqual(respond(200, 'text/plain; charset=utf-8', 'ok'));
    expect(rulesOf('/info')?.answer).toEqual(respond(201, 'application/json', '{"a":[1,null]}'));
    expect(rulesOf('/null')?.answer).toEqual(respond(200, 'application/json', 'null'));
    expect(rulesOf('/page')?.answer).toEqual(respond(200, 'text/html', '<p>hi'));
    expect(rulesOf('/empty')?.answer).toEqual(respond(204, '', ''));
    expect(routes.filter(({ upstream }) => upstream === undefined).map(({ limits }) => limits)).toEqual(
      Array.from({ length: 8 }),
    );
  });

  test('a route without any has none', () => {
    const { routes: plain } = withEnv('upstreams: { o: { url: http://o } }\nroutes: [{ path: /, upstream: o }]');
    expect(plain[0]).toMatchObject({ match: undefined, rules: undefined });
  });

  test('what may be a secret is not shown', () => {
    const shown = JSON.stringify(describeConfig(withEnv(GOOD)));
    expect(shown).toContain('{"name":"x-env","value":"prod"}');
    expect(shown).toContain('{"name":"authorization","value":"***"}');
    expect(shown).not.toContain('Basic abc');
  });
});

const SELF = 'the gateway sets or drops it itself';
const problemsOf = (route: string): readonly string[] =>
  yamlProblemsOf(`upstreams: { o: { url: http://o } }\nroutes:\n  - { path: /a, ${route} }`).map((line) =>
    line.replace(/^g\.yaml:3: routes\[0\]\./, ''),
  );

describe('header rules that are refused', () => {
  const OWN = ['connection', 'Keep-Alive', 'proxy-connection', 'TE', 'trailer', 'Transfer-Encoding', 'upgrade'];
  const ALSO = ['Content-Length', 'host', 'X-Forwarded-For', 'x-forwarded-prefix', 'forwarded', 'X-Consumer-Id', 'via'];
  const LAST = ['x-consumer-anything', 'X-Request-Id', 'x_request_id', 'x-real-ip', 'sec-websocket-key'];

  test.each([...OWN, ...ALSO, ...LAST])('%s as a target, whatever is done with it', (name) => {
    for (const side of ['request_headers', 'response_headers']) {
      for (const part of [`set: { ${name}: x }`, `add: { ${name}: x }`, `remove: [${name}]`]) {
        const problems = problemsOf(`upstream: o, ${side}: { ${part} }`);
        expect(problems, part).toHaveLength(1);
        expect(problems[0]).toContain(SELF);
      }
    }
  });

  test.each(['Date', 'RateLimit', 'ratelimit-policy', 'X-RateLimit-Limit', 'x-rate-limit-reset', 'x-circuit-breaker'])(
    '%s in answers',
    (name) => {
      expect(problemsOf(`upstream: o, response_headers: { set: { ${name}: x } }`)).toEqual([
        `response_headers.set.${name}: ${SELF}, expected another field`,
      ]);
    },
  );

  test.each(['a b', 'a:b', '', 'é', '"a\\r\\nb"', '__proto__', `"${'n'.repeat(300)}"`])('the name %s', (name) => {
    const problems = problemsOf(`upstream: o, request_headers: { remove: [${name === '' ? '""' : name}] }`);
    const expected = [expect.stringContaining('expected the name of a header field: letters, digits and -')];
    expect(name === 'a:b' ? problemsOf('upstream: o, request_headers: { set: { "a:b": x } }') : problems).toEqual(
      expected,
    );
  });

  test.each([
    ['"a\\r\\nX-Evil: 1"', 'CR, LF and NUL'],
    ['"a\\nb"', 'CR, LF and NUL'],
    ['"a\\rb"', 'CR, LF and NUL'],
    ['"a\\0b"', 'CR, LF and NUL'],
    ['""', 'a value that is not empty'],
    ['"\\x01"', 'printable ASCII'],
    ['"\\x7f"', 'printable ASCII'],
    ['é', 'printable ASCII'],
    ['" a"', 'without blanks at its ends'],
    ['"a\\t"', 'without blanks at its ends'],
    [`"${'a'.repeat(4_097)}"`, 'at most 4096 characters'],
    ['7', 'a text (quotes make one of a number)'],
    ['true', 'a text (quotes make one of a number)'],
    ['[a]', 'a text (quotes make one of a number)'],
    ['"${client}"', 'no variable ${client}, expected one of ${consumer}, ${request_id} and ${client_ip}'],
    ['"${clientip}"', 'did you mean "client_ip"?'],
    ['"${}"', 'no variable ${}'],
    ['"a${client_ip"', 'a } behind ${'],
    ['"${consumer}"', '${consumer} is of nobody without it, expected authenticate on this route'],
  ])('the value %s', (value, why) => {
    for (const [side, part] of [
      ['request_headers', 'set'],
      ['request_headers', 'add'],
      ['response_headers', 'set'],
      ['response_headers', 'add'],
    ]) {
      const problems = problemsOf(`upstream: o, ${side}: { ${part}: { x-a: ${value} } }`);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(new RegExp(`^${side}\\.${part}\\.x-a: `));
      expect(problems[0]).toContain(why);
    }
  });

  test('a field twice', () => {
    expect(problemsOf('upstream: o, request_headers: { set: { X-A: "1" }, add: { x-a: "2" }, remove: [X-a] }')).toEqual(
      [
        'request_headers.add.x-a: request_headers.set.X-A is the same field, expected each field once',
        'request_headers.remove[0]: request_headers.set.X-A is the same field, expected each field once',
      ],
    );
  });

  test('a secret is not shown', () => {
    const [problem] = problemsOf('upstream: o, request_headers: { set: { authorization: "Bearer sécret" } }');
    expect(problem).toBe('request_headers.set.authorization: got "***", expected a value of printable ASCII');
  });
});

test.each([
  ['match: {}', 'match: it asks for nothing, expected headers or query with a condition'],
  ['match: { headers: {} }', 'match: it asks for nothing, expected headers or query with a condition'],
  ['match: { headers: { host: x } }', 'match.headers.host: it is for the gateway; a route has a host of its own'],
  ['match: { headers: { X-Forwarded-Proto: http } }', 'it is for the gateway, expected a field that clients'],
  ['match: { headers: { Authorization: x } }', 'it is a secret; authenticate says who may use a route'],
  ['match: { headers: { "a b": x } }', 'expected the name of a header field'],
  ['match: { headers: { a: "x\\r\\ny" } }', 'expected a value without CR, LF and NUL'],
  ['match: { headers: { a: x, A: y } }', 'match.headers.a is the same field'],
  ['match: { query: { "": x } }', 'expected the name of a parameter'],
  ['match: { query: { a: 1 } }', 'match.query.a: got 1, expected a text (quotes make one of a number)'],
  ['rewrite: {}', 'rewrite.prefix: missing, expected it, or pattern and to'],
  ['rewrite: { prefix: /b, pattern: x, to: /c }', 'rewrite.pattern: prefix says another, expected not both'],
  ['rewrite: { prefix: /b, to: /c }', 'rewrite.to: prefix says another, expected not both'],
  ['rewrite: { prefix: b }', 'rewrite.prefix: got "b", expected a path that starts with /'],
  ['rewrite: { prefix: /b/ }', 'expected a path without / at the end'],
  ['rewrite: { prefix: "/b?c" }', 'expected a path without query or fragment'],
  ['rewrite: { prefix: "/b\\r\\n" }', 'expected a path of printable ASCII'],
  ['rewrite: { prefix: /b }, strip_prefix: true', 'strip_prefix: rewrite says what becomes of the path; prefix: /'],
  ['rewrite: { pattern: x }', 'rewrite.to: missing, expected the path that becomes of it'],
  ['rewrite: { pattern: "(", to: / }', 'rewrite.pattern: is no regular expression: Unterminated group'],
  ['rewrite: { pattern: "^(a+)+$", to: / }', 'rewrite.pattern: there are paths for which it would take very long; a'],
  ['rewrite: { pattern: "(?=a)", to: / }', 'has what patterns for paths do not have here: a group that starts with (?'],
  ['rewrite: { pattern: "", to: / }', 'expected a regular expression of at most 500 characters'],
  [
    'rewrite: { pattern: "^/(a)", to: /$2 }',
    'rewrite.to: got "/$2", expected a $2 that the pattern has: it has 1 groups',
  ],
  ['rewrite: { pattern: "^/(a)", to: "/$&" }', 'expected $1 to $9 for groups ($$ stands for $)'],
  ['rewrite: { pattern: "^/(a)", to: "$1" }', 'expected a path that starts with /'],
  ['rewrite: { pattern: "^/(a)", to: "/x?$1" }', 'expected a path of printable ASCII without blanks, ?, # and \\'],
  ['rewrite: { pattern: "^/(a)", to: "/../$1" }', 'expected a path in normal form'],
  ['rewrite: { pattern: "^/(a)", to: "/x\\r\\ny" }', 'expected a path of printable ASCII'],
])('beside an upstream: %s', (keys, why) => {
  const problems = problemsOf(`upstream: o, ${keys}`);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(why);
});

test.each([
  [
    'upstream: o, redirect: { to: /b }',
    'redirect: upstream is set too, expected only one of upstream, split, redirect',
  ],
  ['upstream: o, respond: {}', 'respond: upstream is set too, expected only one of upstream, split, redirect and'],
  ['methods: [GET]', 'upstream: missing, expected the name of an upstream (or split, redirect or respond)'],
  ['redirect: {}', 'redirect.to: missing, expected a URL or path, or scheme: https'],
  ['redirect: { to: b }', 'expected an http or https URL, or a path that starts with /'],
  ['redirect: { to: "ftp://b" }', 'expected an http or https URL, or a path that starts with /'],
  ['redirect: { to: "javascript:alert(1)" }', 'expected an http or https URL, or a path that starts with /'],
  ['redirect: { to: "http://" }', 'expected an http or https URL'],
  ['redirect: { to: //b }', 'expected a path with one / at its start, or a URL with its scheme'],
  ['redirect: { to: "/b\\r\\nX: y" }', 'expected a URL or path of printable ASCII'],
  ['redirect: { to: "/\\\\b" }', 'expected a URL or path of printable ASCII'],
  ['redirect: { to: "https://u:p@b" }', 'expected a URL without user name and password'],
  ['redirect: { to: "/b?c", keep_path: true }', 'expected a URL or path without ? and #'],
  ['redirect: { to: /a }', 'redirect.to: it redirects to itself, expected another place'],
  ['redirect: { to: /a/b }', 'redirect.to: it redirects to itself, expected another place'],
  ['redirect: { to: "/%61" }', 'redirect.to: it redirects to itself, expected another place'],
  ['redirect: { to: /, keep_path: true }', 'redirect.to: it redirects to itself, expected another place'],
  ['host: h, redirect: { to: https://h/a }', 'redirect.to: it redirects to itself, expected another place'],
  ['redirect: { to: /b, status: 200 }', 'redirect.status: got 200, expected a status of a redirect'],
  ['redirect: { to: /b, status: 304 }', 'redirect.status: got 304, expected a status of a redirect'],
  ['redirect: { to: /b, status: 309 }', 'redirect.status: got 309, expected a status of a redirect'],
  ['redirect: { to: /b }, strip_prefix: true', 'strip_prefix: redirect answers before it'],
  ['redirect: { to: /b, keep_path: true }, rewrite: { prefix: / }', 'rewrite: redirect answers before it'],
  ['redirect: { to: /b }, limits: [{ capacity: 1, refill_per_second: 1 }]', 'limits: redirect answers before it'],
  ['redirect: { to: /b }, authenticate: [api_key]', 'authenticate: redirect answers before it'],
  ['respond: { status: 199 }', 'respond.status: got 199, expected a whole number from 200 to 599'],
  ['respond: { status: 600 }', 'respond.status: got 600, expected a whole number from 200 to 599'],
  ['respond: { status: 204, text: x }', 'respond.text: a 204 has no body, expected another status'],
  ['respond: { text: x, json: 1 }', 'respond.json: text is set too, expected only one of text, json and body'],
  ['respond: { body: x }', 'respond.type: missing, expected the Content-Type of body'],
  ['respond: { type: text/html }', 'respond.type: there is no body of that type, expected text, json or body'],
  [
    'respond: { text: x, type: "text/html\\r\\nX: y" }',
    'respond.type: got "text/html\\r\\nX: y", expected a media type',
  ],
  ['respond: { text: x, type: html }', 'respond.type: got "html", expected a media type'],
  ['respond: {}, rewrite: { prefix: /b }', 'rewrite: respond answers before it'],
  ['respond: {}, timeouts: { connect_seconds: 1 }', 'timeouts: respond answers before it'],
])('in place of an upstream: %s', (keys, why) => {
  const problems = problemsOf(keys);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(why);
});

test('a body that is too long', () => {
  for (const key of ['text: ', 'json: ', 'type: text/html, body: ']) {
    const [problem, ...others] = problemsOf(`respond: { ${key}${'é'.repeat(32_769)} }`);
    expect(problem).toMatch(/^respond\.\w+: it has 655\d\d bytes, expected at most 65536 bytes$/);
    expect(others).toEqual([]);
  }
});

test('redirects in a circle, and some that only seem to be', () => {
  const circles = (routes: string): readonly string[] => yamlProblemsOf(`routes: [${routes}]`);
  const leads = (path: string, to: string, more = ''): string => `{ path: ${path}, redirect: { to: ${to} }${more} }`;
  expect(circles([leads('/a', '/b'), leads('/b', '/c'), leads('/c', '/a')].join())).toEqual([
    'g.yaml:1: routes[0].redirect.to: it redirects in a circle: a → b → c → a, expected another place',
  ]);
  expect(circles([leads('/', '/app'), '{ path: /app, respond: {} }'].join())).toEqual([]);
  expect(circles(leads('/', 'https://elsewhere.example/'))).toEqual([]);
  expect(circles(leads('/', 'https://b.example/', ', host: a.example'))).toEqual([]);
  expect(
    circles(
      [
        leads('/', 'https://b.example/', ', host: a.example'),
        leads('/', 'https://a.example', ', host: b.example, name: b'),
      ].join(),
    ),
  ).toHaveLength(1);
  expect(circles('{ path: /a, redirect: { to: /b, keep_path: true }, strip_prefix: true }')).toEqual([]);
  expect(circles('{ path: /a, redirect: { to: /a/b, keep_path: true }, strip_prefix: true }')).toHaveLength(1);
  expect(
    circles(`${leads('/a', '/a', ', match: { query: { x: "1" } }')}, { path: /a, name: b, respond: {} }`),
  ).toHaveLength(1);
});

test('all problems come at once, each on its line', () => {
  const yaml = `
upstreams: { o: { url: http://o } }
routes:
  - path: /a
    upstream: o
    match: { headers: { host: h } }
    request_headers:
      set:
        Host: h
        x-a: "a\\nb"
      remove: [te]
    response_headers:
      add: { date: now }
    rewrite: { pattern: "(", to: x }
  - path: /b
    redirect:
      to: /b
      status: 404
  - path: /c
    respond: { status: 700, text: a, json: b }
`;
  expect(yamlProblemsOf(yaml).map((line) => line.split(': ', 2).join(': '))).toEqual([
    'g.yaml:6: routes[0].match.headers.host',
    'g.yaml:9: routes[0].request_headers.set.Host',
    'g.yaml:10: routes[0].request_headers.set.x-a',
    'g.yaml:11: routes[0].request_headers.remove[0]',
    'g.yaml:13: routes[0].response_headers.add.date',
    'g.yaml:14: routes[0].rewrite.pattern',
    'g.yaml:14: routes[0].rewrite.to',
    'g.yaml:17: routes[1].redirect.to',
    'g.yaml:18: routes[1].redirect.status',
    'g.yaml:20: routes[2].respond.status',
    'g.yaml:20: routes[2].respond.json',
  ]);
});

test('routes that differ in match alone are apart; the same conditions in another order are not', () => {
  const two = (a: string, b: string): readonly string[] =>
    yamlProblemsOf(`routes: [{ path: /a, respond: {}, match: ${a} }, { path: /a, name: b, respond: {}, match: ${b} }]`);
  expect(two('{ query: { x: "1" } }', '{ query: { x: "2" } }')).toEqual([]);
  expect(two('{ query: { x: "1" } }', '{ headers: { x: "1" } }')).toEqual([]);
  expect(two('{ headers: { x: "1", y: "2" } }', '{ headers: { Y: "2", X: "1" } }')).toEqual([
    'g.yaml:1: routes[1]: takes the same requests as routes[0], expected another host, path, methods or match',
  ]);
});
