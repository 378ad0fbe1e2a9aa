import type { RouteYaml } from '../yaml-schema.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { DESTINATIONS } from './yaml.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** One route: as it stands in the file, and the keys of it that are right by themselves. */
export interface RouteParts {
  readonly given: Mapping;
  readonly good: Partial<RouteYaml>;
  readonly path: readonly PropertyKey[];
}

/** An upstream, or an answer in place of one. */
function checkDestination({ given, path }: RouteParts): readonly YamlProblem[] {
  const [first, ...others] = DESTINATIONS.filter((key) => key in given);
  if (first === undefined) {
    return [
      { path: [...path, 'upstream'], value: undefined, expected: 'the name of an upstream (or redirect, or respond)' },
    ];
  }
  return others.map((other) => ({
    path: [...path, other],
    value: undefined,
    expected: 'only one of upstream, redirect and respond',
    reason: `${first} is set too`,
  }));
}

/** What is wrong with the rules of a route. */
export const checkRules = (route: RouteParts): readonly YamlProblem[] => [...checkDestination(route)];
