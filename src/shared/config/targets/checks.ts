import type { YamlProblem } from '../yaml-problems.ts';
import type { TargetYaml } from './yaml.ts';

/** Targets of which none gets any request. */
export function checkWeights(targets: readonly TargetYaml[], path: readonly PropertyKey[]): readonly YamlProblem[] {
  const isOff = (target: TargetYaml): boolean => typeof target === 'object' && target.weight === 0;
  if (targets.length === 0 || !targets.every(isOff)) return [];
  return [{ path, value: undefined, expected: 'one with a weight above 0', reason: 'all weights are 0' }];
}
