import { showValue } from '../problems.ts';
import { valueFault } from '../rules/field-checks.ts';
import { headerFault } from '../rules/match-checks.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';

/** What is wrong with the sides of a split, beside names of upstreams that there are not. */
export function checkSplit({ split }: Partial<RouteYaml>, index: number): readonly YamlProblem[] {
  if (split === undefined) return [];
  const path = ['routes', index, 'split'];
  const problems: YamlProblem[] = [];
  if (split.length < 2) {
    problems.push({ path, value: undefined, expected: 'two upstreams or more', reason: 'there is nothing to divide' });
  }
  if (split.every(({ weight }) => weight === 0)) {
    problems.push({ path, value: undefined, expected: 'one with a weight above 0', reason: 'all weights are 0' });
  }
  split.forEach(({ upstream, when }, at) => {
    if (split.findIndex((other) => other.upstream === upstream) < at) {
      const expected = 'every upstream only once';
      problems.push({ path: [...path, at, 'upstream'], value: showValue(upstream), expected });
    }
    if (when === undefined) return;
    const fault = headerFault(when.header);
    const place = [...path, at, 'when'];
    if (fault !== undefined) problems.push({ path: [...place, 'header'], value: showValue(when.header), ...fault });
    const expected = valueFault(when.equals);
    if (expected !== undefined) problems.push({ path: [...place, 'equals'], value: showValue(when.equals), expected });
  });
  return problems;
}
