import { expect, test } from 'vitest';
import { yamlProblemsOf as problemsOf } from './test-reading.ts';

test.each([
  ['routes:\n  - path: /a\n    path: /b\n', /^g\.yaml:3:5: not valid YAML; this key is here twice$/],
  ['routes: [\n  { path: /a\n', /^g\.yaml:\d+:\d+: not valid YAML; /],
  ['a: 1\n---\nb: 2\n', /^g\.yaml:2:1: not valid YAML; only one document/],
  ['routes: *nowhere', /^g\.yaml: not valid YAML; Unresolved alias/],
  ['routes: !!js/function "x"', /^g\.yaml:1:9: not valid YAML; Unresolved tag/],
  ['a: \t- b\n\tc: d', /^g\.yaml:\d+:\d+: not valid YAML; /],
  [
    `a: &a [x]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]`,
    /^g\.yaml: not valid YAML; Excessive alias count/,
  ],
])('syntax error in %j has its line and column', (yaml, line) => {
  expect(problemsOf(yaml)[0]).toMatch(line);
});

test('a bracket left open does not make a flood', () => {
  expect(problemsOf('['.repeat(5000)).length).toBeLessThanOrEqual(10);
});
