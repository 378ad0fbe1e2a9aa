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
