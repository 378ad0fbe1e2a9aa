import { expect, test } from 'vitest';
import { formatProblems } from '../problems.ts';
import { configOf, problemsOf, read, yamlProblemsOf } from '../test-reading.ts';

const yaml = (route: string): string =>
  `routes: [{ path: /a, upstream: o, ${route} }]\nupstreams: { o: { url: http://o } }\n`;

test('lists of the environment hold beside those of a route', () => {
  const config = configOf(
    { GATEWAY_CONFIG: 'g.yaml', IP_DENY: '203.0.113.7, 2001:db8::/32' },
    { 'g.yaml': yaml('ip: { allow: [10.0.0.0/8] }') },
  );
  expect(config.routes[0]?.rules?.ip).toEqual([
    { from: 'environment', allow: [], deny: ['203.0.113.7', '2001:db8::/32'] },
    { from: 'route', allow: ['10.0.0.0/8'], deny: [] },
  ]);
  expect(configOf({ IP_ALLOW: '::1' }).routes[0]?.rules?.ip).toEqual([
    { from: 'environment', allow: ['::1'], deny: [] },
  ]);
  expect(configOf({}).routes[0]?.rules).toBeUndefined();
});

test('what is no list of addresses', () => {
  expect(problemsOf({ IP_ALLOW: '10.0.0.0/33' })).toEqual([
    'IP_ALLOW: got "10.0.0.0/33", expected an address or CIDR block such as 10.0.0.0/8 or ::1',
  ]);
  for (const [route, problem] of [
    ['ip: {}', 'ip: got neither, expected allow, deny or both'],
    ['ip: { allow: [] }', 'ip.allow: got an empty list, expected a list of one or more addresses and CIDR blocks'],
    [
      'ip: { deny: [example.com] }',
      'ip.deny[0]: got "example.com", expected an address or CIDR block such as 10.0.0.0/8 or ::1',
    ],
    ['ip: { block: [::1] }', 'ip.block: unknown key, expected one of allow, deny'],
  ] as const) {
    expect(yamlProblemsOf(yaml(route))).toEqual([`g.yaml:1: routes[0].${problem}`]);
  }
});

test('bits behind the prefix of a block, in whatever list', () => {
  const { warnings } = read(
    {
      GATEWAY_CONFIG: 'g.yaml',
      IP_ALLOW: '10.0.0.7/8',
      TRUSTED_PROXIES: '192.0.2.1/24,192.0.2.1',
      RATE_LIMIT_ALLOWLIST: '2001:db8::7/32,some-key',
    },
    { 'g.yaml': yaml('ip: { allow: [10.0.0.0/8], deny: [10.0.0.9/30] }') },
  );
  expect(formatProblems(warnings).split('\n')).toEqual([
    'TRUSTED_PROXIES: got "192.0.2.1/24", expected 192.0.2.0/24, which is what it means, or 192.0.2.1 alone',
    'RATE_LIMIT_ALLOWLIST: got "2001:db8::7/32", expected 2001:db8::/32, which is what it means, or 2001:db8::7 alone',
    'IP_ALLOW: got "10.0.0.7/8", expected 10.0.0.0/8, which is what it means, or 10.0.0.7 alone',
    'routes.a.ip.deny: got "10.0.0.9/30", expected 10.0.0.8/30, which is what it means, or 10.0.0.9 alone',
  ]);
});
