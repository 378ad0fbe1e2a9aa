import { describe, expect, test } from 'vitest';
import { configOf, problemsOf, yamlProblemsOf } from '../test-reading.ts';
import type { BreakerConfig } from '../types.ts';

type Env = Record<string, string | undefined>;

const yamlOf = (breaker: string): string =>
  `routes: [{ path: /, upstream: o }]\nupstreams:\n  o:\n    url: http://o\n    circuit_breaker: { ${breaker} }`;
const breakerOf = (breaker: string, env: Env = {}): BreakerConfig | undefined =>
  configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yamlOf(breaker) }).upstreams[0]?.breaker;

const DEFAULT = {
  mode: 'on',
  rule: {
    failureThreshold: 5,
    resetTimeoutMs: 30_000,
    halfOpenSuccesses: 2,
    openFactor: 1,
    openCapMs: 300_000,
    openJitter: 0.1,
    permitMs: 5000,
    minNodes: 1,
  },
  window: { windowMs: 10_000, minVolume: 20, errorRate: 0.5, slowRate: 0 },
  statuses: [500, 502, 503, 504],
  slowMs: 0,
  probe: 'requests',
};

const ENV: Env = {
  CIRCUIT_BREAKER: 'shadow',
  CIRCUIT_BREAKER_FAILURE_THRESHOLD: '3',
  CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '1.5',
  CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD: '4',
  CIRCUIT_BREAKER_OPEN_FACTOR: '1.5',
  CIRCUIT_BREAKER_OPEN_CAP_SECONDS: '60',
  CIRCUIT_BREAKER_MIN_NODES: '2',
  CIRCUIT_BREAKER_ERROR_RATE: '0.25',
  CIRCUIT_BREAKER_WINDOW_SECONDS: '4',
  CIRCUIT_BREAKER_MIN_REQUESTS: '50',
};
const FROM_ENV = {
  ...DEFAULT,
  mode: 'shadow',
  window: { windowMs: 4000, minVolume: 50, errorRate: 0.25, slowRate: 0 },
  rule: {
    ...DEFAULT.rule,
    failureThreshold: 3,
    resetTimeoutMs: 1500,
    halfOpenSuccesses: 4,
    openFactor: 1.5,
    openCapMs: 60_000,
    minNodes: 2,
  },
};

test('every upstream has the breaker of the environment, whether it comes from there or from the file', () => {
  expect(configOf({}).upstreams[0]?.breaker).toEqual(DEFAULT);
  expect(configOf({ ...ENV, UPSTREAM_URL: 'http://a' }).upstreams[0]?.breaker).toEqual(FROM_ENV);
  expect(breakerOf('', ENV)).toEqual(FROM_ENV);
});

test('what the file says of an upstream comes first', () => {
  const own =
    'mode: off, failure_threshold: 7, reset_timeout_seconds: 0.5, half_open_success_threshold: 1, open_factor: 2, ' +
    'open_cap_seconds: 9, min_nodes: 1, window: { seconds: 5, min_volume: 50, error_rate: 0.5, slow_rate: 0.9 }, ' +
    'slow_seconds: 0.25, failure_statuses: [503, 503, 500]';
  expect(breakerOf(own, ENV)).toEqual({
    mode: 'off',
    rule: {
      failureThreshold: 7,
      resetTimeoutMs: 500,
      halfOpenSuccesses: 1,
      openFactor: 2,
      openCapMs: 9000,
      openJitter: 0.1,
      permitMs: 5000,
      minNodes: 1,
    },
    window: { windowMs: 5000, minVolume: 50, errorRate: 0.5, slowRate: 0.9 },
    statuses: [503, 500],
    slowMs: 250,
    probe: 'requests',
  });
});

test('a window has a length and a volume by default, and statuses may be none', () => {
  expect(breakerOf('window: { error_rate: 1 }, failure_statuses: []')).toMatchObject({
    window: { windowMs: 10_000, minVolume: 20, errorRate: 1, slowRate: 0 },
    statuses: [],
  });
});

test.each<[Env, string]>([
  [{ CIRCUIT_BREAKER: 'true' }, 'CIRCUIT_BREAKER: got "true", expected one of on, off, shadow'],
  [
    { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '4001' },
    'CIRCUIT_BREAKER_FAILURE_THRESHOLD: got "4001", expected a whole number from 1 to 4000',
  ],
  [
    { CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: '0' },
    'CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS: got "0", expected a number of seconds from 0.001 to 86400',
  ],
  [{ CIRCUIT_BREAKER_OPEN_FACTOR: '0.5' }, 'CIRCUIT_BREAKER_OPEN_FACTOR: got "0.5", expected a number from 1 to 100'],
  [
    { CIRCUIT_BREAKER_ERROR_RATE: '50%' },
    'CIRCUIT_BREAKER_ERROR_RATE: got "50%", expected a share from 0.001 to 1 (0 = off)',
  ],
  [{ CIRCUIT_BREAKER_MIN_NODES: '0' }, 'CIRCUIT_BREAKER_MIN_NODES: got "0", expected a whole number from 1 to 1000'],
])('bad value %j', (env, line) => {
  expect(problemsOf(env)).toEqual([line]);
});

describe('refused', () => {
  const SHARE = 'a share from 0.001 to 1 (0 = off)';
  test.each<[string, readonly string[]]>([
    ['mode: shadw', ['.mode: got "shadw", expected one of on, off, shadow; did you mean "shadow"?']],
    ['failure_treshold: 3', ['.failure_treshold: unknown key; did you mean "failure_threshold"?']],
    ['window: { error_rte: 1, slow_rate: 0 }', ['.window.error_rte: unknown key; did you mean "error_rate"?']],
    ['window: { error_rate: 50 }', [`.window.error_rate: got 50, expected ${SHARE}`]],
    ['window: { error_rate: 0.0001 }', [`.window.error_rate: got 0.0001, expected ${SHARE}`]],
    ['window: { slow_rate: 0.5 }', ['.slow_seconds: missing, expected it, because window.slow_rate is set']],
    ['slow_seconds: 1', ['.window.slow_rate: missing, expected a share above 0, because slow_seconds is set']],
    ['failure_statuses: [500, 404]', ['.failure_statuses[1]: got 404, expected a whole number from 500 to 599']],
  ])('%s', (breaker, lines) => {
    expect(yamlProblemsOf(yamlOf(breaker))).toEqual(
      lines.map((line) => `g.yaml:5: upstreams.o.circuit_breaker${line}`),
    );
  });
});
