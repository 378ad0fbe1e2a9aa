import { resolveMatch } from '../rules/resolve.ts';
import type { RouteConfig } from '../types.ts';
import type { RouteYaml } from '../yaml-schema.ts';

/** What the router goes by, beside a route's name. */
export type RoutedPart = Pick<
  RouteConfig,
  'path' | 'exact' | 'ignoreCase' | 'ignoreTrailingSlash' | 'methods' | 'host' | 'match' | 'stripPrefix'
>;

/** @param route may lack what is wrong with it */
export const routedPart = (route: Partial<RouteYaml>): RoutedPart => ({
  path: route.path ?? route.exact ?? '/',
  exact: route.exact !== undefined,
  ignoreCase: route.ignore_case ?? false,
  ignoreTrailingSlash: route.ignore_trailing_slash ?? false,
  methods: route.methods,
  host: route.host?.toLowerCase(),
  match: resolveMatch(route),
  stripPrefix: route.strip_prefix ?? false,
});
