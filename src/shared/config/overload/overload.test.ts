import { describe, expect, test } from 'vitest';
import { configOf, problemsOf, yamlProblemsOf } from '../test-reading.ts';

const yamlOf = (upstream = '', route = '', more = ''): string =>
  `upstreams: { api: { url: http://a ${upstream} } }\nroutes: [{ path: /, upstream: api ${route} }]\n${more}\n`;
const read = (yaml: string, env = {}) => configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yaml });

describe('concurrency of an upstream', () => {
  test('is what it says, else what UPSTREAM_CONCURRENCY says', () => {
    const env = { WORKERS: '4', UPSTREAM_CONCURRENCY: '40' };
    expect(read(yamlOf(', concurrency: { max: 8 }'), env).upstreams[0]?.concurrency).toBe(8);
    expect(read(yamlOf(', concurrency: { max: 0 }'), env).upstreams[0]?.concurrency).toBe(0);
    expect(read(yamlOf(), env).upstreams[0]?.concurrency).toBe(40);
    expect(configOf(env).upstreams[0]?.concurrency).toBe(40);
  });

  test('is not an authorizer’s that has no upstream of its own', () => {
    const config = read(yamlOf('', ', authorize: { url: http://b/ }'), { WORKERS: '1', UPSTREAM_CONCURRENCY: '40' });
    expect(config.upstreams.map(({ concurrency }) => concurrency)).toEqual([40, 0]);
  });

  test('has one for each request thread', () => {
    expect(problemsOf({ WORKERS: '4', UPSTREAM_CONCURRENCY: '3' })).toEqual([
      'UPSTREAM_CONCURRENCY: got 3, expected at least WORKERS (4), so that each request thread has one, or 0 for no limit',
    ]);
    expect(problemsOf({ WORKERS: 'x', UPSTREAM_CONCURRENCY: '1' })).toHaveLength(1);
    expect(yamlProblemsOf(yamlOf(', concurrency: { max: 3 }'), { WORKERS: '4' })).toEqual([
      'g.yaml:1: upstreams.api.concurrency.max: got 3, expected at least WORKERS (4), so that each request thread has one, or 0 for no limit',
    ]);
  });

  test('is a number, and nothing else', () => {
    expect(yamlProblemsOf(yamlOf(', concurrency: { max: -1, mode: adaptive }'))).toEqual([
      'g.yaml:1: upstreams.api.concurrency.max: got -1, expected a whole number from 0 to 1000000',
      'g.yaml:1: upstreams.api.concurrency.mode: unknown key, expected one of max',
    ]);
    expect(yamlProblemsOf(yamlOf(', concurrency: {}'))).toHaveLength(1);
  });
});

test('priority of a route and of a profile', () => {
  const profile = 'profiles: { p: { limits: [{ capacity: 1, refill_per_second: 1 }], priority: low } }';
  const config = read(yamlOf('', ', priority: high', profile));
  expect(config.routes[0]?.priority).toBe('high');
  expect(config.identities.profiles.map(({ name, priority }) => [name, priority])).toContainEqual(['p', 'low']);
  expect(read(yamlOf()).routes[0]?.priority).toBeUndefined();
  expect(yamlProblemsOf(yamlOf('', ', priority: urgent'))).toEqual([
    'g.yaml:2: routes[0].priority: got "urgent", expected one of high, normal, low',
  ]);
});
