import { whatMeets } from '../../http/conditions.ts';
import { Router } from '../../http/router.ts';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { Config, RouteConfig, RouteLimitsConfig } from '../types.ts';

/** What other gateways, frameworks and shells take for a pattern. */
const PATTERN = /\*|\/:\w|\{[^/]*\}|<[^/]*>|\/\[[^/]*\][+?]?(?:\/|$)|\.\+|\||\$$/;
const LITERAL =
  'a path as it is asked for: *, :name and {name} stand for themselves, and a path takes all that is below it';

/** Paths that are hardly meant as they are taken: literally. */
export const literalPatterns = ({ routes }: Config): readonly Problem[] =>
  routes
    .filter(({ path }) => PATTERN.test(path))
    .map(({ name, path, exact }) => ({
      key: `routes.${name}.${exact ? 'exact' : 'path'}`,
      value: showValue(path),
      expected: LITERAL,
    }));

/** A host that no route names. */
const SOME_HOST = 'host.invalid';

/** A way to ask a strict route's upstream for what it has, and what would close it. */
interface Way {
  readonly host: string;
  readonly path: string;
  readonly key: string;
  readonly expected: string;
}

const hostOf = (host: string | undefined): string => host?.replace('*', 'x') ?? SOME_HOST;

function waysTo({ path, exact, ...route }: RouteConfig, routes: readonly RouteConfig[]): readonly Way[] {
  const host = hostOf(route.host);
  const ways: Way[] = [];
  const upper = path.toUpperCase();
  if (!route.ignoreCase && upper !== path) {
    const expected = `true, unless the upstream tells ${upper} from ${path}`;
    ways.push({ host, path: upper, key: 'ignore_case', expected });
  }
  const other = path.endsWith('/') ? path.slice(0, -1) : `${path}/`;
  if (exact && !route.ignoreTrailingSlash && other !== '') {
    const expected = `true, unless the upstream tells ${other} from ${path}`;
    ways.push({ host, path: other, key: 'ignore_trailing_slash', expected });
  }
  if (route.host === undefined) {
    const hosts = new Set(routes.flatMap((each) => each.host ?? []));
    for (const each of hosts) {
      ways.push({
        host: hostOf(each),
        path,
        key: 'host',
        expected: `a route like it for ${each} (hosts go before paths)`,
      });
    }
  }
  return ways;
}

const least = (limits: RouteLimitsConfig, of: 'capacity' | 'refillPerSecond'): number =>
  Math.min(...limits.rules.map((rule) => rule[of])) / limits.cost;

function isLooser(other: RouteLimitsConfig | undefined, strict: RouteLimitsConfig): boolean {
  if (other === undefined || other.shadow) return true;
  return (
    least(other, 'capacity') > least(strict, 'capacity') ||
    least(other, 'refillPerSecond') > least(strict, 'refillPerSecond')
  );
}

/**
 * Routes whose limits can be gone around: a request that the same upstream may understand as theirs is taken by a route
 * with looser limits.
 */
export function looselyShadowed({ routes }: Config): readonly Problem[] {
  const router = new Router(routes, () => undefined);
  return routes.flatMap((route) => {
    const { limits } = route;
    if (limits === undefined || limits.shadow) return [];
    return waysTo(route, routes).flatMap(({ host, path, key, expected }): readonly Problem[] => {
      const method = route.methods?.[0] ?? 'GET';
      const found = router.match({ host, method, ...whatMeets(route.match) }, path);
      if (found.kind !== 'route' || found.config === route || found.config.upstream !== route.upstream) return [];
      if (found.config.path === path || !isLooser(found.config.limits, limits)) return []; // named: meant
      const where = host === SOME_HOST || key !== 'host' ? path : host + path;
      const reason = `${where} is taken by the route ${found.config.name}, whose limits are looser`;
      return [{ key: `routes.${route.name}.${key}`, value: undefined, expected, reason }];
    });
  });
}
