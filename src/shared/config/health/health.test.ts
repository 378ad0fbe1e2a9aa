import { describe, expect, test } from 'vitest';
import { configOf, problemsOf, yamlProblemsOf } from '../test-reading.ts';
import type { HealthConfig } from '../types.ts';

const yamlOf = (health: string, more = ''): string =>
  `routes: [{ path: /, upstream: o }]\nupstreams:\n  o:\n    url: http://o\n    health: { ${health} }\n${more}`;
const healthOf = (health: string): HealthConfig | undefined =>
  configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yamlOf(health) }).upstreams[0]?.health;

const DEFAULT = {
  path: '/health',
  intervalMs: 5_000,
  timeoutMs: 2_000,
  healthy: 2,
  unhealthy: 3,
  statuses: [{ from: 200, to: 399 }],
};

test('targets are probed only where somebody says so', () => {
  expect(configOf({}).upstreams[0]?.health).toBe(undefined);
  expect(configOf({ UPSTREAM_URL: 'http://a' }).upstreams[0]?.health).toBe(undefined);
  expect(configOf({ UPSTREAM_URL: 'http://a', HEALTH_PATH: '/health' }).upstreams[0]?.health).toEqual(DEFAULT);
  const yaml = { 'g.yaml': 'routes: [{ path: /, upstream: o }]\nupstreams: { o: { url: http://o } }' };
  expect(configOf({ GATEWAY_CONFIG: 'g.yaml', HEALTH_PATH: '/x' }, yaml).upstreams[0]?.health).toBe(undefined);
});

test('what the file says comes first', () => {
  expect(healthOf('path: /health')).toEqual(DEFAULT);
  expect(healthOf('path: /h, interval_seconds: 1')?.timeoutMs).toBe(1_000);
  const own =
    'path: "/up?deep=1", interval_seconds: 30, timeout_seconds: 0.5, healthy: 1, unhealthy: 4, statuses: [204, 300-399]';
  expect(healthOf(own)).toEqual({
    path: '/up?deep=1',
    intervalMs: 30_000,
    timeoutMs: 500,
    healthy: 1,
    unhealthy: 4,
    statuses: [
      { from: 204, to: 204 },
      { from: 300, to: 399 },
    ],
  });
});

test.each(['health', '/a b', '/a#b', '/a\\b', '/ä'])('HEALTH_PATH=%j is refused', (path) => {
  expect(problemsOf({ UPSTREAM_URL: 'http://a', HEALTH_PATH: path })).toEqual([
    `HEALTH_PATH: got ${JSON.stringify(path)}, expected a path such as /health, of printable ASCII without spaces, \\ or fragment`,
  ]);
});

describe('refused', () => {
  const STATUS = 'a status from 200 to 599, or a range such as 200-399';
  test.each<[string, readonly string[]]>([
    [
      'interval_seconds: 5',
      ['.path: missing, expected a path such as /health, of printable ASCII without spaces, \\ or fragment'],
    ],
    ['path: /h, intervall_seconds: 5', ['.intervall_seconds: unknown key; did you mean "interval_seconds"?']],
    [
      'path: /h, interval_seconds: 0, healthy: 0, statuses: [199, 400-300]',
      [
        '.interval_seconds: got 0, expected a number of seconds from 1 to 3600',
        '.healthy: got 0, expected a whole number from 1 to 100',
        `.statuses[0]: got 199, expected ${STATUS}`,
        `.statuses[1]: got "400-300", expected ${STATUS}`,
      ],
    ],
    ['path: /h, statuses: []', ['.statuses: got an empty list, expected at least one status']],
    ['path: /h, timeout_seconds: 6', ['.timeout_seconds: got 6, expected at most interval_seconds (5)']],
  ])('%s', (health, lines) => {
    expect(yamlProblemsOf(yamlOf(health))).toEqual(lines.map((line) => `g.yaml:5: upstreams.o.health${line}`));
  });

  test('a breaker that goes by probes which nobody makes', () => {
    const yaml =
      'routes: [{ path: /, upstream: o }]\nupstreams:\n  o: { url: http://o, circuit_breaker: { probe: health } }';
    expect(yamlProblemsOf(yaml)).toEqual([
      'g.yaml:3: upstreams.o.health: missing, expected it, because circuit_breaker.probe is health',
    ]);
  });
});
