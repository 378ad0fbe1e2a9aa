import { expect, test } from 'vitest';
import { formatProblems } from '../problems.ts';
import { configOf, read, yamlProblemsOf } from '../test-reading.ts';

const UPSTREAMS = 'upstreams: { v1: { url: http://a }, v2: { url: http://b } }';
const yamlOf = (split: string, more = ''): string => `routes: [{ path: /, split: ${split} ${more} }]\n${UPSTREAMS}`;
const TWO = '[{ upstream: v1, weight: 95 }, { upstream: v2, weight: 5, when: { header: X-Canary, equals: always } }]';

test('a split stands in place of an upstream', () => {
  const files = { 'g.yaml': yamlOf(TWO) };
  const [route] = configOf({ GATEWAY_CONFIG: 'g.yaml' }, files).routes;
  expect(route?.upstream).toBe('v1');
  expect(route?.split).toEqual([
    { upstream: 'v1', weight: 95, when: undefined },
    { upstream: 'v2', weight: 5, when: { name: 'x-canary', value: 'always' } },
  ]);
  expect(read({ GATEWAY_CONFIG: 'g.yaml' }, files).warnings).toEqual([]);
  expect(configOf({}).routes[0]?.split).toBe(undefined);
});

test('a side may be the upstream of UPSTREAM_URL', () => {
  const yaml =
    'routes: [{ path: /, split: [{ upstream: v1 }, { upstream: default }] }]\nupstreams: { v1: { url: http://a } }';
  const result = read({ GATEWAY_CONFIG: 'g.yaml', UPSTREAM_URL: 'http://c' }, { 'g.yaml': yaml });
  expect(result.ok ? result.config.upstreams.map(({ name }) => name) : formatProblems(result.problems)).toEqual([
    'default',
    'v1',
  ]);
});

test.each<[string, string]>([
  ['[{ upstream: v1 }]', ': there is nothing to divide, expected two upstreams or more'],
  ['[{ upstream: v1 }, { upstream: v1 }]', '[1].upstream: got "v1", expected every upstream only once'],
  [
    '[{ upstream: v1, weight: 0 }, { upstream: v2, weight: 0 }]',
    ': all weights are 0, expected one with a weight above 0',
  ],
  ['[{ upstream: v1 }, { upstream: v2, weight: 101 }]', '[1].weight: got 101, expected a whole number from 0 to 100'],
  [
    '[{ upstream: v1 }, { upstream: v2, when: { header: cookie, equals: a } }]',
    '[1].when.header: it is a secret; authenticate says who may use a route',
  ],
  [
    '[{ upstream: v1 }, { upstream: v2, when: { header: x, equals: "" } }]',
    '[1].when.equals: got "", expected a value that is not empty',
  ],
])('refused: %s', (split, line) => {
  const problems = yamlProblemsOf(yamlOf(split));
  expect(problems.filter((problem) => !problem.includes('upstreams.v2'))).toEqual([`g.yaml:1: routes[0].split${line}`]);
});

test('refused: an upstream that there is not, and a split beside an upstream', () => {
  expect(yamlProblemsOf(yamlOf('[{ upstream: v1 }, { upstream: v3 }]'))[0]).toContain(
    'routes[0].split[1].upstream: got "v3", expected the name of an upstream (v1, v2)',
  );
  expect(yamlProblemsOf(yamlOf(TWO, ', upstream: v1'))).toEqual([
    'g.yaml:1: routes[0].split: upstream is set too, expected only one of upstream, split, redirect and respond',
  ]);
});
