import { describe, expect, test } from 'vitest';
import { formatProblems } from '../problems.ts';
import { configOf, read, yamlProblemsOf } from '../test-reading.ts';

const fileOf = (route: string): string => `upstreams: { o: { url: http://o } }\nroutes:\n  - { ${route} }`;
const problemsOf = (redirect: string, more = 'path: /a, upstream: o'): readonly string[] =>
  yamlProblemsOf(fileOf(`${more}, redirect: { ${redirect} }`)).map((line) =>
    line.replace(/^g\.yaml:3: routes\[0\]\./, ''),
  );

describe('redirects of some requests', () => {
  test.each([
    ['scheme: https', { kind: 'scheme', port: 443, status: 307 }],
    ['scheme: https, port: 8443, status: 308', { kind: 'scheme', port: 8443, status: 308 }],
    ['pattern: "^/a/(\\\\d+)$", to: /b/$1', { kind: 'pattern', pattern: '^/a/(\\d+)$', to: '/b/$1', status: 307 }],
  ])('%s', (redirect, detour) => {
    const yaml = fileOf(`path: /a, upstream: o, redirect: { ${redirect} }`);
    expect(configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yaml }).routes[0]).toMatchObject({
      upstream: 'o',
      rules: { answer: undefined, detour },
    });
  });

  test.each([
    ['scheme: http', 'redirect.scheme: got "http", expected https'],
    ['scheme: https, to: /b', 'redirect.to: host, path and query stay, expected it without scheme'],
    ['scheme: https, keep_path: true', 'redirect.keep_path: what becomes of the path is said already'],
    ['scheme: https, pattern: x', 'redirect.pattern: it goes by how clients came'],
    ['scheme: https, port: 0', 'redirect.port: got 0'],
    ['pattern: "^/a$", to: /b, port: 1', 'redirect.port: to says the port'],
    ['pattern: "^/a$"', 'redirect.to: missing, expected where to, with pattern'],
    ['pattern: "(", to: /b', 'redirect.pattern: is no regular expression'],
    ['pattern: "^/(a+)+$", to: /b', 'redirect.pattern: there are paths for which it would take very long'],
    ['pattern: "^/a$", to: /b/$1', 'expected a $1 that the pattern has: it has 0 groups'],
    ['pattern: "^/a/(.*)$", to: "https://$1/"', 'expected a URL whose host has no group in it'],
    ['pattern: "^/a/(.*)$", to: "https://x.test$1"', 'expected a URL whose host has no group in it'],
    ['pattern: "^/a$", to: "https://x.test?a"', 'expected a URL with a / behind its host'],
    ['pattern: "^/a/(.*)$", to: "$1://x.test/"', 'expected an http or https URL, or a path that starts with /'],
    ['pattern: "^/a/(.*)$", to: "//x.test/$1"', 'expected a path with one / at its start'],
    ['pattern: "^/a/(.*)$", to: "ftp://x.test/$1"', 'expected an http or https URL'],
    ['pattern: "^/a(.*)$", to: /a/b$1', 'the pattern fits where it leads to, again and again'],
    ['pattern: "^/a/(\\\\d+)$", to: /a/$1$1', 'the pattern fits where it leads to, again and again'],
  ])('%s is refused', (redirect, why) => {
    const problems = problemsOf(redirect);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(why);
  });

  test.each(['pattern: "^/a/[^/]+$", to: /a/newest', 'pattern: "^/a/(.*)$", to: https://x.test/a/$1'])(
    '%s is none: it ends somewhere',
    (redirect) => expect(problemsOf(redirect)).toEqual([]),
  );

  test('somebody has to take the others', () => {
    expect(problemsOf('scheme: https', 'path: /a')).toEqual([
      'upstream: missing, expected the name of an upstream (or split or respond) for whom redirect does not send elsewhere',
    ]);
    expect(
      problemsOf('scheme: https', 'path: /a, respond: { text: x }, limits: [{ capacity: 1, refill_per_second: 1 }]'),
    ).toEqual([expect.stringContaining('limits: respond answers before it')]);
  });

  test('where nobody comes by https everybody would be sent on for ever', () => {
    const yaml = fileOf('name: r, path: /a, upstream: o, redirect: { scheme: https }');
    const warned = (env: Readonly<Record<string, string>>): string =>
      formatProblems(read({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml }).warnings);
    expect(warned({})).toContain('routes.r.redirect.scheme: nobody comes by https');
    expect(warned({ TRUSTED_PROXIES: '10.0.0.0/8' })).not.toContain('nobody comes by https');
  });
});
