import { showValue } from '../problems.ts';
import { nameFromPath } from './path.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import type { YamlProblem } from '../yaml-problems.ts';

type Route = Partial<RouteYaml>;

/** The route's name, or the one its path gives; `undefined` when neither is there. */
export function routeName({ name, path, exact }: Route): string | undefined {
  const from = path ?? exact;
  return name ?? (from === undefined ? undefined : nameFromPath(from));
}

function place({ host, path, exact, ignore_case: ignoreCase = false, match }: Route): string {
  const paths = [path, exact].map((text) => (ignoreCase ? text?.toLowerCase() : text));
  return JSON.stringify([host?.toLowerCase(), ...paths, ignoreCase, conditions(match)]);
}

/** The same text for the same conditions, in whatever order they stand. */
function conditions({ headers = {}, query = {} }: NonNullable<Route['match']> = {}): readonly (readonly string[])[] {
  const fields = Object.entries(headers).map(([name, value]) => ['header', name.toLowerCase(), value]);
  const parameters = Object.entries(query).map(([name, value]) => ['query', name, value]);
  return [...fields, ...parameters].sort((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1));
}

/** A route for all methods and one for some are apart: the one that names the method wins. */
function shareMethod(a: Route, b: Route): boolean {
  if (a.methods === undefined || b.methods === undefined) return a.methods === b.methods;
  return a.methods.some((method) => b.methods?.includes(method));
}

const sameRequests = (a: Route, b: Route): boolean =>
  (a.path ?? a.exact) !== undefined && place(a) === place(b) && shareMethod(a, b);

/** No two routes take the same requests or have the same name; the later one is reported. */
export function checkRoutesApart(routes: readonly Route[]): readonly YamlProblem[] {
  return routes.flatMap((route, index): readonly YamlProblem[] => {
    const before = routes.slice(0, index);
    const same = before.findIndex((other) => sameRequests(route, other));
    const problems: YamlProblem[] = [];
    if (same >= 0) {
      const reason = `takes the same requests as routes[${same}]`;
      const expected = 'another host, path, methods or match';
      problems.push({ path: ['routes', index], value: undefined, expected, reason, first: ['routes', same] });
    }
    const name = routeName(route);
    const namesake = before.findIndex((other) => name !== undefined && routeName(other) === name);
    // Twins without names get the same name from their path: one problem is enough for them.
    if (namesake >= 0 && !(same === namesake && route.name === undefined)) {
      const from = route.name === undefined ? ' (made from the path)' : '';
      const expected = `a name of its own; routes[${namesake}] has this one${from}`;
      const first = ['routes', namesake, 'name'];
      problems.push({ path: ['routes', index, 'name'], value: showValue(name), expected, first });
    }
    return problems;
  });
}
