import type { RouteConfig } from '../config/types.ts';
import { countOf } from './conditions.ts';
import type { Asked } from './conditions.ts';
import { hostWithoutPort } from './host.ts';
import { compileRoute, PathTable, takesMethod, takesPath, takesRest } from './path-table.ts';
import type { CompiledRoute, Found } from './path-table.ts';

export type { CompiledRoute } from './path-table.ts';

/** `allow` is the value of the Allow field that a 405 must carry (RFC 9110 15.5.6). */
export type Match<Stages> =
  | CompiledRoute<Stages>
  | { readonly kind: 'no_route' }
  | { readonly kind: 'method_not_allowed'; readonly allow: string };

const NO_ROUTE: Match<never> = Object.freeze({ kind: 'no_route' });

/**
 * Finds a request's route. Of the routes that take its host, path, method and the rest, the first in this order wins: with
 * a host before without; exact host before wildcard, longer wildcard before shorter; exact path before prefix; longer
 * prefix before shorter; a path whose case matters before one whose case does not; more conditions before fewer; with
 * methods before without, with HEAD before with GET alone; then configuration order.
 */
export class Router<Stages> {
  readonly #ordered: readonly CompiledRoute<Stages>[];
  /** Set when there is one route and it takes any host: the usual gateway, worth its own short way. */
  readonly #only: CompiledRoute<Stages> | undefined;
  readonly #anyHost: PathTable<Stages>;
  readonly #exactHosts = new Map<string, PathTable<Stages>>();
  /** By suffix with its leading dot: `.example.com`. */
  readonly #wildcardHosts = new Map<string, PathTable<Stages>>();
  readonly #longestSuffix: number;

  /** @param stagesOf asked once for each route */
  constructor(routes: readonly RouteConfig[], stagesOf: (route: RouteConfig) => Stages) {
    // The sort is stable, so configuration order settles what the comparison leaves open.
    this.#ordered = routes.map((route) => compileRoute(route, stagesOf(route))).sort(byPrecedence);
    const [first] = this.#ordered;
    this.#only = this.#ordered.length === 1 && first?.config.host === undefined ? first : undefined;
    const foldsCase = routes.some(({ ignoreCase }) => ignoreCase);
    this.#anyHost = new PathTable(foldsCase);
    const tableOf = (tables: Map<string, PathTable<Stages>>, host: string): PathTable<Stages> => {
      const table = tables.get(host) ?? new PathTable<Stages>(foldsCase);
      tables.set(host, table);
      return table;
    };
    let longestSuffix = 0;
    for (const route of this.#ordered) {
      const { host } = route.config;
      if (host === undefined) this.#anyHost.add(route);
      else if (isWildcard(host)) {
        tableOf(this.#wildcardHosts, host.slice(1)).add(route);
        longestSuffix = Math.max(longestSuffix, host.length - 1);
      } else tableOf(this.#exactHosts, host).add(route);
    }
    this.#longestSuffix = longestSuffix;
  }

  /**
   * Allocates nothing when a route is found and none names a host.
   *
   * @param path normalised, starts with `/`
   */
  match(asked: Asked, path: string): Match<Stages> {
    const only = this.#only;
    if (only !== undefined) {
      if (!takesPath(only, path)) return NO_ROUTE;
      if (only.config.match !== undefined && !takesRest(only, asked)) return NO_ROUTE;
      return takesMethod(only, asked.method) ? only : this.#notAllowed(asked, path);
    }
    const named =
      this.#exactHosts.size + this.#wildcardHosts.size > 0
        ? this.#findNamed(hostWithoutPort(asked.host), path, asked)
        : undefined;
    if (typeof named === 'object') return named;
    const found = this.#anyHost.find(path, asked);
    if (typeof found === 'object') return found;
    return named === undefined && found === undefined ? NO_ROUTE : this.#notAllowed(asked, path);
  }

  #findNamed(name: string, path: string, asked: Asked): Found<Stages> {
    let result = this.#exactHosts.get(name)?.find(path, asked);
    if (typeof result === 'object' || this.#longestSuffix === 0) return result;
    // From the longest suffix that some wildcard has; the wildcard itself stands for at least one character.
    let dot = name.indexOf('.', Math.max(1, name.length - this.#longestSuffix));
    for (; dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const found = this.#wildcardHosts.get(name.slice(dot))?.find(path, asked);
      if (typeof found === 'object') return found;
      result ??= found;
    }
    return result;
  }

  /** Rare, so a plain scan: the methods of every route that takes this host and path. */
  #notAllowed(asked: Asked, path: string): Match<Stages> {
    const name = hostWithoutPort(asked.host);
    const methods = new Set<string>();
    for (const route of this.#ordered) {
      if (!takesHost(route, name) || !takesPath(route, path) || !takesRest(route, asked)) continue;
      for (const method of route.methods ?? []) methods.add(method);
    }
    return { kind: 'method_not_allowed', allow: [...methods].join(', ') };
  }
}

/**
 * What is forwarded of a path the route took: all of it, or what comes after the route's prefix, `/` at the least. Where
 * the route was found by another form of the path (separators decoded or merged, parameters cut), the prefix may be longer in the path.
 */
export function forwardPath(route: CompiledRoute<unknown>, path: string): string {
  if (!route.config.stripPrefix) return path;
  const rest = pathBelow(route, path);
  return rest === '' ? '/' : rest;
}

/** What comes after the route's path: `''`, or it starts with `/`. See forwardPath. */
export function pathBelow({ base }: CompiledRoute<unknown>, path: string): string {
  const isPlain = path.startsWith(base) && endsSegment(path, base.length);
  const at = isPlain ? base.length : endOfPrefix(path, base);
  if (at === path.length) return '';
  return path[at] === '/' ? path.slice(at) : `/${path.slice(at + separatorAt(path, at))}`;
}

const endsSegment = (path: string, at: number): boolean => at === path.length || path[at] === '/';
/** Length of what separates segments there; 0 = nothing does. */
const separatorAt = (path: string, at: number): number =>
  path[at] === '/' ? 1 : path.startsWith('%2F', at) || path.startsWith('%5C', at) ? 3 : 0;
const startsParameters = (path: string, at: number): boolean => path[at] === ';' || path.startsWith('%3B', at);

/** Where `base` ends in a path that starts with it but for separators, parameters and case. Parameters at its end are its. */
function endOfPrefix(path: string, base: string): number {
  let at = 0;
  for (let i = 0; at < path.length;) {
    const separator = separatorAt(path, at);
    if (i === base.length && separator > 0) break;
    if (separator > 0) {
      if (base[i] === '/') i++; // else one more
      at += separator;
    } else if (startsParameters(path, at)) {
      while (at < path.length && separatorAt(path, at) === 0) at++;
    } else {
      i++;
      at++;
    }
  }
  return at;
}

function isWildcard(host: string): boolean {
  return host.startsWith('*.');
}

function takesHost({ config: { host } }: CompiledRoute<unknown>, name: string): boolean {
  if (host === undefined) return true;
  return isWildcard(host) ? name.length >= host.length && name.endsWith(host.slice(1)) : name === host;
}

function byPrecedence(a: CompiledRoute<unknown>, b: CompiledRoute<unknown>): number {
  return (
    hostRank(a) - hostRank(b) ||
    (b.config.host?.length ?? 0) - (a.config.host?.length ?? 0) ||
    Number(b.config.exact) - Number(a.config.exact) ||
    b.config.path.length - a.config.path.length ||
    Number(a.config.ignoreCase) - Number(b.config.ignoreCase) ||
    countOf(b.config.match) - countOf(a.config.match) ||
    Number(a.methods === undefined) - Number(b.methods === undefined) ||
    Number(namesHead(b)) - Number(namesHead(a))
  );
}

const namesHead = ({ config: { methods } }: CompiledRoute<unknown>): boolean => methods?.includes('HEAD') === true;

function hostRank({ config: { host } }: CompiledRoute<unknown>): number {
  if (host === undefined) return 2;
  return isWildcard(host) ? 1 : 0;
}
