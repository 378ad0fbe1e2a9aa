import { showValue } from '../problems.ts';
import { upstreamsOf } from '../split/resolve.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';

/** Copies would take connections from requests, and be counted with them, on an upstream that has both. */
export function checkMirrors(routes: readonly Partial<RouteYaml>[]): readonly YamlProblem[] {
  const used = new Set(routes.flatMap((route) => [...upstreamsOf(route), route.authorize?.upstream]));
  return routes.flatMap(({ mirror }, index): readonly YamlProblem[] => {
    if (mirror === undefined || !used.has(mirror.upstream)) return [];
    const path = ['routes', index, 'mirror', 'upstream'];
    const expected = 'an upstream of its own';
    return [{ path, value: showValue(mirror.upstream), expected, reason: 'requests that somebody waits for go there' }];
  });
}
