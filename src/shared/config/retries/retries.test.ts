import { describe, expect, test } from 'vitest';
import { formatProblems } from '../problems.ts';
import { configOf, problemsOf, read as readAll, yamlProblemsOf } from '../test-reading.ts';
import type { Config } from '../types.ts';

const yamlOf = (route: string, upstream = ''): string =>
  `routes: [{ path: /, upstream: o, ${route} }]\nupstreams:\n  o:\n    url: http://a\n    ${upstream}`;
const read = (route: string, upstream = '', env: Record<string, string> = {}): Config =>
  configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yamlOf(route, upstream) });
const retriesOf = (route: string, env: Record<string, string> = {}) => read(route, '', env).routes[0]?.retries;

const ONE = {
  attempts: 1,
  failures: ['connect_failure', 'reset'],
  statuses: [502, 503, 504],
  perTryMs: 0,
  anyMethod: false,
};

test('nothing is repeated unless somebody says so', () => {
  expect(retriesOf('')).toBe(undefined);
  expect(retriesOf('', { RETRIES: '1' })).toEqual(ONE);
  expect(retriesOf('retries: { attempts: 0 }', { RETRIES: '1' })).toBe(undefined);
  expect(retriesOf('retries: { on: [reset, 500], per_try_seconds: 0.5, idempotent: true }', { RETRIES: '2' })).toEqual({
    attempts: 2,
    failures: ['reset'],
    statuses: [500],
    perTryMs: 500,
    anyMethod: true,
  });
  expect(configOf({ RETRIES: '3' }).routes[0]?.retries?.attempts).toBe(3);
});

test('the budget of an upstream', () => {
  expect(read('').upstreams[0]?.retryBudget).toEqual({ percent: 20, minPerSecond: 1, windowMs: 10_000 });
  const own = 'retry_budget: { min_per_second: 0.5, window_seconds: 5 }';
  expect(read('', own, { RETRY_BUDGET_PERCENT: '10' }).upstreams[0]?.retryBudget).toEqual({
    percent: 10,
    minPerSecond: 0.5,
    windowMs: 5_000,
  });
});

describe('refused', () => {
  test.each<[string, string]>([
    ['attempts: 6', '.attempts: got 6, expected a whole number from 0 to 5'],
    ['on: [429]', '.on[0]: got 429, expected connect_failure, reset, or a status from 500 to 599'],
    ['on: [timeout]', '.on[0]: got "timeout", expected connect_failure, reset, or a status from 500 to 599'],
    ['on: []', '.on: got an empty list, expected a list of one or more causes'],
    ['per_try_seconds: 0', '.per_try_seconds: got 0, expected a number of seconds from 0.001 to 86400'],
    ['idempotent: maybe', '.idempotent: got "maybe", expected true or false'],
  ])('retries: { %s }', (own, line) => {
    expect(yamlProblemsOf(yamlOf(`retries: { ${own} }`))).toEqual([`g.yaml:1: routes[0].retries${line}`]);
  });

  test('an attempt that lasts as long as all of them may', () => {
    const route = 'timeouts: { total_seconds: 2 }, retries: { attempts: 1, per_try_seconds: 2 }';
    expect(yamlProblemsOf(yamlOf(route))).toEqual([
      'g.yaml:1: routes[0].retries.per_try_seconds: got 2, expected less than total_seconds (2)',
    ]);
  });

  test('RETRIES, RETRY_BUDGET_PERCENT', () => {
    expect(problemsOf({ RETRIES: '6', RETRY_BUDGET_PERCENT: '101' })).toEqual([
      'RETRIES: got "6", expected a whole number from 0 to 5',
      'RETRY_BUDGET_PERCENT: got "101", expected a whole number from 0 to 100',
    ]);
  });
});

test.each<[string, readonly string[]]>([
  [
    'timeouts: { response_headers_seconds: 2 }, retries: { attempts: 1, per_try_seconds: 2 }',
    ['routes.root.retries.per_try_seconds: got 2, expected less than 2, when the request as a whole is given up'],
  ],
  [
    'retries: { attempts: 1, idempotent: true }',
    [
      'routes.root.retries.idempotent: got true, expected methods with it: else every POST of the route may arrive twice',
    ],
  ],
  ['methods: [POST], retries: { attempts: 1, idempotent: true }', []],
])('hardly meant: %s', (route, lines) => {
  const { warnings } = readAll({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yamlOf(route) });
  expect(warnings.length === 0 ? [] : formatProblems(warnings).split('\n')).toEqual(lines);
});
