import { whatMeets } from '../../http/conditions.ts';
import { forwardPath, Router } from '../../http/router.ts';
import type { CompiledRoute } from '../../http/router.ts';
import { normalizePath } from '../../http/target.ts';
import { showValue } from '../problems.ts';
import { routeName } from '../routes/conflicts.ts';
import { routedPart } from '../routes/routed-part.ts';
import type { RouteConfig } from '../types.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import { asMapping, isDetour } from './parts.ts';

type Redirect = { readonly to: string; readonly keep_path: boolean };
type Found = CompiledRoute<number>;

/** A host that no route names. */
const SOME_HOST = 'host.invalid';

/** A route as the router reads it. */
const routed = (route: Partial<RouteYaml>): RouteConfig =>
  ({ name: routeName(route) ?? '', ...routedPart(route) }) as RouteConfig;

/** Where a client that a route took is sent; `undefined` = to a host that no route names, so perhaps elsewhere. */
function placeOf({ to, keep_path: keepPath }: Redirect, from: Found, asked: { host: string; path: string }) {
  const [, authority = '', path = ''] = /^(https?:\/\/[^/?#]*)?([^?#]*)/.exec(to) ?? [];
  const host = authority === '' ? asked.host : URL.canParse(authority) ? new URL(authority).hostname : SOME_HOST;
  const kept = keepPath ? path.replace(/\/$/, '') + forwardPath(from, asked.path) : path;
  return { host, path: normalizePath(kept === '' ? '/' : kept) };
}

/** Of a route as it stands in the file, whatever else is wrong with it. */
function redirectOf(route: unknown): Redirect | undefined {
  const redirect = asMapping(route)['redirect'];
  if (isDetour(redirect)) return undefined; // detour-checks.ts looks at those
  const { to, keep_path: keepPath } = asMapping(redirect);
  return typeof to === 'string' ? { to, keep_path: keepPath === true } : undefined;
}

/** Redirects that lead back to where they started, however many there are between. @param given the routes as they stand in the file */
export function checkCircles(routes: readonly Partial<RouteYaml>[], given: readonly unknown[]): readonly YamlProblem[] {
  const sound = routes.flatMap((route, index) =>
    route.path === undefined && route.exact === undefined ? [] : [{ config: routed(route), index }],
  );
  const indexOf = new Map(sound.map(({ config, index }) => [config, index]));
  const router = new Router(
    sound.map(({ config }) => config),
    (config) => indexOf.get(config) ?? 0,
  );
  const namesHost = (host: string): boolean => sound.some(({ config }) => config.host === host);

  const next = (from: Found, asked: { host: string; path: string }) => {
    const redirect = redirectOf(given[from.stages]);
    const place = redirect === undefined ? undefined : placeOf(redirect, from, asked);
    if (place === undefined || place.path === undefined) return undefined;
    if (place.host !== asked.host && !namesHost(place.host)) return undefined;
    const { config } = from;
    const method = config.methods?.[0] ?? 'GET';
    const found = router.match({ host: place.host, method, ...whatMeets(config.match) }, place.path);
    return found.kind === 'route' ? { found, host: place.host, path: place.path } : undefined;
  };

  return sound.flatMap(({ config, index }): readonly YamlProblem[] => {
    const redirect = redirectOf(given[index]);
    if (redirect === undefined) return [];
    let host = config.host?.replace('*', 'x') ?? SOME_HOST;
    let path = config.path;
    const first = router.match({ host, method: config.methods?.[0] ?? 'GET', ...whatMeets(config.match) }, path);
    if (first.kind !== 'route' || first.stages !== index) return []; // a twin, which is wrong for that
    const way: Found[] = [first];
    for (let step = next(first, { host, path }); step !== undefined; step = next(step.found, { host, path })) {
      ({ host, path } = step);
      if (step.found === first) {
        const names = [...way, first].map((each) => each.config.name).join(' → ');
        const reason = way.length === 1 ? 'it redirects to itself' : `it redirects in a circle: ${names}`;
        const value = showValue(redirect.to);
        return [{ path: ['routes', index, 'redirect', 'to'], value, expected: 'another place', reason }];
      }
      if (way.includes(step.found) || step.found.stages < index) return []; // found from there
      way.push(step.found);
    }
    return [];
  });
}
