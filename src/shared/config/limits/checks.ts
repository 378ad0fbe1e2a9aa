import { pathText } from '../path-text.ts';
import { showValue } from '../problems.ts';
import { routeName } from '../routes/conflicts.ts';
import { messageRuleNameOf, ruleNameOf } from './rule-name.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';

type LimitYaml = NonNullable<RouteYaml['limits']>[number];

/** Limits that a request or a message must all have tokens of. */
interface LimitList {
  readonly path: readonly PropertyKey[];
  readonly limits: readonly LimitYaml[];
  /** The name of its one limit, where that has none; '' = it needs one. */
  readonly madeName: string;
}

/** A named bucket as one limit of one list asks for it. */
interface Bucket {
  readonly list: LimitList;
  readonly path: readonly PropertyKey[];
  readonly name: string;
  /** The name is made from the route's. */
  readonly made: boolean;
  readonly capacity: number;
  readonly refillPerSecond: number;
}

function listsOf(route: Partial<RouteYaml>, index: number): readonly LimitList[] {
  const name = routeName(route) ?? '';
  const list = (path: readonly PropertyKey[], limits: readonly LimitYaml[] = [], made: string): LimitList => ({
    path: ['routes', index, ...path],
    limits,
    madeName: limits.length === 1 ? made : '',
  });
  return [
    list(['limits'], route.limits, ruleNameOf(name)),
    list(['websocket', 'message_limits'], route.websocket?.message_limits, messageRuleNameOf(name)),
  ];
}

const bucketsOf = (list: LimitList): readonly Bucket[] =>
  list.limits.flatMap((rule, limit): readonly Bucket[] => {
    const name = rule.name ?? list.madeName;
    const { capacity, refill_per_second: refillPerSecond } = rule;
    const path = [...list.path, limit];
    return name === '' ? [] : [{ list, path, name, made: rule.name === undefined, capacity, refillPerSecond }];
  });

/** What the later of two limits with one name should have had instead; `undefined` = they may share the bucket. */
function clash(later: Bucket, first: Bucket): string | undefined {
  const there = pathText(first.path);
  if (later.list === first.list) return `a name of its own; ${there} has this one`;
  if (later.made || first.made) return `a name of its own; ${there} has this one (made from the route's name)`;
  const same = later.capacity === first.capacity && later.refillPerSecond === first.refillPerSecond;
  return same ? undefined : `another name, or the numbers of ${there}: limits of one name share one bucket`;
}

/** A message that waits for a token of such a bucket waits for ever. */
function checkPauses(route: Partial<RouteYaml>, index: number): readonly YamlProblem[] {
  const { message_limits: limits = [], on_message_refused: onRefused } = route.websocket ?? {};
  if (onRefused !== 'pause') return [];
  return limits.flatMap(({ capacity }, limit): readonly YamlProblem[] => {
    if (capacity > 0) return [];
    const path = ['routes', index, 'websocket', 'message_limits', limit, 'capacity'];
    return [{ path, value: '0', expected: '1 or more with on_message_refused: pause' }];
  });
}

/** Every limit has a name where it needs one, and two share a bucket only if that is plainly meant. */
export function checkLimits(routes: readonly Partial<RouteYaml>[]): readonly YamlProblem[] {
  const lists = routes.flatMap(listsOf);
  const nameless = lists.flatMap(({ path, limits }) =>
    limits.flatMap(({ name }, limit): readonly YamlProblem[] => {
      if (name !== undefined || limits.length === 1) return [];
      const expected = 'a name, because the route has several limits';
      return [{ path: [...path, limit, 'name'], value: undefined, expected }];
    }),
  );
  const firsts = new Map<string, Bucket>();
  const clashes = lists.flatMap(bucketsOf).flatMap((bucket): readonly YamlProblem[] => {
    const first = firsts.get(bucket.name);
    if (first === undefined) firsts.set(bucket.name, bucket);
    const expected = first === undefined ? undefined : clash(bucket, first);
    if (first === undefined || expected === undefined) return [];
    return [{ path: [...bucket.path, 'name'], value: showValue(bucket.name), expected, first: first.path }];
  });
  return [...nameless, ...clashes, ...routes.flatMap(checkPauses)];
}
