import { describe, expect, test } from 'vitest';
import { configOf, problemsOf, yamlProblemsOf } from '../test-reading.ts';
import type { EjectionConfig } from '../types.ts';

type Env = Record<string, string | undefined>;

const yamlOf = (more: string, targets = '[http://a, http://b]'): string =>
  `routes: [{ path: /, upstream: o }]\nupstreams:\n  o:\n    targets: ${targets}\n    ${more}`;
const ejectionOf = (more: string, env: Env = {}, targets?: string): EjectionConfig | undefined =>
  configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yamlOf(more, targets) }).upstreams[0]?.ejection;

const DEFAULT = { mode: 'on', consecutive: 5, baseMs: 10_000, maxPercent: 50 };

test('a target is ejected where there is another, unless somebody says otherwise', () => {
  expect(ejectionOf('')).toEqual(DEFAULT);
  expect(configOf({ UPSTREAM_URL: 'http://a,http://b' }).upstreams[0]?.ejection).toEqual(DEFAULT);
  expect(configOf({ UPSTREAM_URL: 'http://a' }).upstreams[0]?.ejection).toBe(undefined);
  expect(ejectionOf('', {}, '[http://a]')).toBe(undefined);
  expect(ejectionOf('', { TARGET_EJECTION: 'off' })).toBe(undefined);
  expect(ejectionOf('', { TARGET_EJECTION: 'shadow' })?.mode).toBe('shadow');
});

test('what the file says comes first', () => {
  const own = 'eject: { mode: on, consecutive: 3, seconds: 0.5, max_percent: 34 }';
  expect(ejectionOf(own, { TARGET_EJECTION: 'off' })).toEqual({
    mode: 'on',
    consecutive: 3,
    baseMs: 500,
    maxPercent: 34,
  });
  expect(ejectionOf('eject: { mode: off }')).toBe(undefined);
});

describe('refused', () => {
  test.each<[string, string]>([
    ['mode: maybe', '.mode: got "maybe", expected one of on, off, shadow'],
    ['consecutive: 0', '.consecutive: got 0, expected a whole number from 1 to 1000'],
    ['seconds: 301', '.seconds: got 301, expected a number of seconds from 0.1 to 300'],
    ['max_percent: 101', '.max_percent: got 101, expected a whole number from 0 to 100'],
    ['consecutiv: 1', '.consecutiv: unknown key; did you mean "consecutive"?'],
  ])('eject: { %s }', (own, line) => {
    expect(yamlProblemsOf(yamlOf(`eject: { ${own} }`))).toEqual([`g.yaml:5: upstreams.o.eject${line}`]);
  });

  test('TARGET_EJECTION', () => {
    expect(problemsOf({ TARGET_EJECTION: 'true' })).toEqual([
      'TARGET_EJECTION: got "true", expected one of on, off, shadow',
    ]);
  });
});

describe('weights', () => {
  const targetsOf = (targets: string): unknown =>
    configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yamlOf('', targets) }).upstreams[0]?.targets.map(
      ({ origin, weight }) => [origin, weight],
    );

  test('stand beside plain URLs', () => {
    expect(
      targetsOf('[{ url: http://a, weight: 3 }, http://b, { url: http://c }, { url: http://d, weight: 0 }]'),
    ).toEqual([
      ['http://a', 3],
      ['http://b', undefined],
      ['http://c', undefined],
      ['http://d', 0],
    ]);
  });

  test.each<[string, string]>([
    [
      '[{ url: http://a, weight: 0 }, { url: http://b, weight: 0 }]',
      ': all weights are 0, expected one with a weight above 0',
    ],
    ['[{ url: http://a, weight: 101 }]', '[0].weight: got 101, expected a whole number from 0 to 100'],
    ['[{ url: http://a, wieght: 1 }]', '[0].wieght: unknown key; did you mean "weight"?'],
    ['[{ weight: 1 }]', '[0].url: missing, expected an http or https URL such as http://10.0.0.1:8080'],
    ['[{ url: "http://a?b" }]', '[0].url: got "http://a?b", expected a URL without query or fragment'],
    ['[7]', '[0]: got 7, expected an http or https URL such as http://10.0.0.1:8080, or a mapping with url and weight'],
    ['[http://a, { url: http://a/, weight: 2 }]', ': got "http://a/", expected every target only once'],
  ])('refused: %s', (targets, line) => {
    expect(yamlProblemsOf(yamlOf('', targets))).toEqual([`g.yaml:4: upstreams.o.targets${line}`]);
  });

  test('slow_start_seconds', () => {
    const yaml = { 'g.yaml': yamlOf('slow_start_seconds: 2.5') };
    expect(configOf({ GATEWAY_CONFIG: 'g.yaml' }, yaml).upstreams[0]?.slowStartMs).toBe(2_500);
    expect(yamlProblemsOf(yamlOf('slow_start_seconds: -1'))).toEqual([
      expect.stringContaining('upstreams.o.slow_start_seconds: got -1, expected a number of seconds from 0 to 3600'),
    ]);
  });
});

describe('resolve: all', () => {
  const read = (more: string, targets: string, env: Env = {}) =>
    configOf({ GATEWAY_CONFIG: 'g.yaml', ...env }, { 'g.yaml': yamlOf(more, targets) }).upstreams[0];

  test('looks names up again and again', () => {
    expect(read('', '[http://a]')?.resolveAllMs).toBe(0);
    expect(read('resolve: first', '[http://a]')?.resolveAllMs).toBe(0);
    expect(read('resolve: all', '[http://a]')?.resolveAllMs).toBe(10_000);
    expect(read('resolve: all', '[http://a]', { DNS_REFRESH_SECONDS: '2' })?.resolveAllMs).toBe(2_000);
    expect(read('resolve: all', '[http://a]')?.ejection).toEqual(DEFAULT);
  });

  test('is refused where it means nothing', () => {
    expect(yamlProblemsOf(yamlOf('resolve: both'))).toEqual([
      'g.yaml:5: upstreams.o.resolve: got "both", expected one of first, all',
    ]);
    expect(problemsOf({ DNS_REFRESH_SECONDS: '0' })).toEqual([
      'DNS_REFRESH_SECONDS: got "0", expected a number of seconds from 1 to 3600',
    ]);
  });
});

describe('balance', () => {
  const read = (by: string) =>
    configOf({ GATEWAY_CONFIG: 'g.yaml' }, { 'g.yaml': yamlOf(`balance: { by: "${by}" }`) }).upstreams[0]?.balance;

  test.each<[string, unknown]>([
    ['p2c', undefined],
    ['consumer', { kind: 'consumer' }],
    ['ip', { kind: 'ip' }],
    ['header:X-Device-Id', { kind: 'header', name: 'x-device-id' }],
    ['cookie:SID', { kind: 'cookie', name: 'SID' }],
  ])('%s', (by, balance) => {
    expect(read(by)).toEqual(balance);
  });

  const PHRASE = 'p2c, consumer, ip, header:NAME or cookie:NAME';
  const OURS = 'a header that clients send to the upstream; this one the gateway reads or sets itself';
  test.each([
    ['random', PHRASE],
    ['header:', PHRASE],
    ['cookie:a b', PHRASE],
    ['header:x-forwarded-for', OURS],
    ['header:connection', OURS],
  ])('%s is refused', (by, expected) => {
    expect(yamlProblemsOf(yamlOf(`balance: { by: "${by}" }`))).toEqual([
      `g.yaml:5: upstreams.o.balance.by: got "${by}", expected ${expected}`,
    ]);
  });
});
