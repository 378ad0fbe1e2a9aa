import { showValue } from '../problems.ts';
import { routeName } from '../routes/conflicts.ts';
import { ruleNameOf } from './rule-name.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';

/** A named bucket as one limit of one route asks for it. */
interface Bucket {
  readonly route: number;
  readonly limit: number;
  readonly name: string;
  /** The name is made from the route's. */
  readonly made: boolean;
  readonly capacity: number;
  readonly refillPerSecond: number;
}

function bucketsOf(route: Partial<RouteYaml>, index: number): readonly Bucket[] {
  const limits = route.limits ?? [];
  const madeName = limits.length === 1 ? ruleNameOf(routeName(route) ?? '') : '';
  return limits.flatMap((rule, limit): readonly Bucket[] => {
    const name = rule.name ?? madeName;
    const { capacity, refill_per_second: refillPerSecond } = rule;
    return name === '' ? [] : [{ route: index, limit, name, made: rule.name === undefined, capacity, refillPerSecond }];
  });
}

/** What the later of two limits with one name should have had instead; `undefined` = they may share the bucket. */
function clash(later: Bucket, first: Bucket): string | undefined {
  const there = `routes[${first.route}].limits[${first.limit}]`;
  if (later.route === first.route) return `a name of its own; ${there} has this one`;
  if (later.made || first.made) return `a name of its own; ${there} has this one (made from the route's name)`;
  const same = later.capacity === first.capacity && later.refillPerSecond === first.refillPerSecond;
  return same ? undefined : `another name, or the numbers of ${there}: limits of one name share one bucket`;
}

/** Every limit has a name where it needs one, and two share a bucket only if that is plainly meant. */
export function checkLimits(routes: readonly Partial<RouteYaml>[]): readonly YamlProblem[] {
  const nameless = routes.flatMap(({ limits = [] }, route) =>
    limits.flatMap(({ name }, limit): readonly YamlProblem[] => {
      if (name !== undefined || limits.length === 1) return [];
      const expected = 'a name, because the route has several limits';
      return [{ path: ['routes', route, 'limits', limit, 'name'], value: undefined, expected }];
    }),
  );
  const firsts = new Map<string, Bucket>();
  const clashes = routes.flatMap(bucketsOf).flatMap((bucket): readonly YamlProblem[] => {
    const first = firsts.get(bucket.name);
    if (first === undefined) firsts.set(bucket.name, bucket);
    const expected = first === undefined ? undefined : clash(bucket, first);
    if (first === undefined || expected === undefined) return [];
    const path = ['routes', bucket.route, 'limits', bucket.limit, 'name'];
    return [{ path, value: showValue(bucket.name), expected, first: ['routes', first.route, 'limits', first.limit] }];
  });
  return [...nameless, ...clashes];
}
