import type { BreakerYaml } from './yaml.ts';
import type { YamlProblem } from '../yaml-problems.ts';

/** Keys of a `circuit_breaker` that are of no use without another. */
export function checkBreaker(breaker: BreakerYaml, path: readonly PropertyKey[]): readonly YamlProblem[] {
  const { window, slow_seconds: slowSeconds } = breaker;
  const slowRate = window?.slow_rate ?? 0;
  const missing = (keys: readonly string[], expected: string): YamlProblem => ({
    path: [...path, ...keys],
    value: undefined,
    expected,
  });
  const problems: YamlProblem[] = [];
  if (slowRate > 0 && slowSeconds === undefined) {
    problems.push(missing(['slow_seconds'], 'it, because window.slow_rate is set'));
  }
  if (slowSeconds !== undefined && slowRate === 0) {
    problems.push(missing(['window', 'slow_rate'], 'a share above 0, because slow_seconds is set'));
  }
  return problems;
}
