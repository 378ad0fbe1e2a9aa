import { originText, parseOriginPattern } from '../../http/origin.ts';
import type { OriginPattern } from '../../http/origin.ts';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { Config } from '../types.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import type { CorsConfig } from './types.ts';

const ANY = '*';
const DEFAULT_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const DEFAULT_MAX_AGE_SECONDS = 600;
const PREFIX = 'access-control-';

type Route = Partial<RouteYaml>;
type CorsYaml = NonNullable<Route['cors']>;

/** A GET stands for HEAD too, as in the methods of a route. */
const withHead = (methods: readonly string[]): readonly string[] =>
  methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;

function checkAny({ origins, headers = [], expose = [], credentials = false }: CorsYaml): readonly YamlProblem[] {
  const problems: YamlProblem[] = [];
  if (origins.includes(ANY) && origins.length > 1) {
    problems.push({ path: ['origins'], value: 'more beside *', expected: '* alone, or origins without it' });
  }
  if (!credentials) return problems;
  if (origins.includes(ANY)) {
    const expected = 'the origins that are meant: with credentials, * would let any page act as whoever looks at it';
    problems.push({ path: ['origins'], value: '"*"', expected });
  }
  for (const [key, list] of Object.entries({ headers, expose })) {
    if (!list.includes(ANY)) continue;
    problems.push({ path: [key], value: '"*"', expected: 'names: with credentials, browsers take * for a name' });
  }
  return problems;
}

function checkMethods({ methods = [] }: CorsYaml, taken: Route['methods']): readonly YamlProblem[] {
  if (taken === undefined) return [];
  return methods.flatMap((method, index) =>
    withHead(taken).includes(method)
      ? []
      : [
          {
            path: ['methods', index],
            value: showValue(method),
            expected: `one of the route's methods (${taken.join(', ')})`,
          },
        ],
  );
}

/** Two that say the same field leave the browser with both, which it takes for none. */
function checkResponseFields({ response_headers: rules }: Route): readonly YamlProblem[] {
  return Object.entries({ set: rules?.set ?? {}, add: rules?.add ?? {} }).flatMap(([key, fields]) =>
    Object.keys(fields)
      .filter((name) => name.toLowerCase().startsWith(PREFIX))
      .map((name) => ({
        path: ['response_headers', key, name],
        value: undefined,
        expected: 'only one of it and cors',
        reason: 'cors says it too',
      })),
  );
}

/** @param route.cors right by itself */
export function checkCors(route: Route, path: readonly PropertyKey[]): readonly YamlProblem[] {
  const { cors } = route;
  if (cors === undefined) return [];
  const own = [...checkAny(cors), ...checkMethods(cors, route.methods)];
  return [
    ...own.map((problem) => ({ ...problem, path: [...path, 'cors', ...problem.path] })),
    ...checkResponseFields(route).map((problem) => ({ ...problem, path: [...path, ...problem.path] })),
  ];
}

/** @returns `undefined` where pages have no part in it */
export function resolveCors({ cors, methods }: RouteYaml): CorsConfig | undefined {
  if (cors === undefined) return undefined;
  const { origins, headers = [], expose = [], credentials = false } = cors;
  const named = origins.filter((origin) => origin !== ANY).map((origin) => parseOriginPattern(origin) as OriginPattern);
  return {
    origins: origins.includes(ANY) ? 'any' : named.map(originText),
    methods: cors.methods ?? withHead(methods ?? DEFAULT_METHODS),
    headers,
    expose,
    credentials,
    maxAgeSeconds: cors.max_age_seconds ?? DEFAULT_MAX_AGE_SECONDS,
  };
}

/** A preflight has none of the fields that the request behind it will have, so it never fits such a route. */
export const unmetPreflights = ({ routes }: Config): readonly Problem[] =>
  routes.flatMap(({ name, match, rules }) =>
    rules?.cors === undefined || match === undefined || match.headers.length === 0
      ? []
      : [
          {
            key: `routes.${name}.cors`,
            value: undefined,
            expected: 'the same cors on a route for that path without match.headers',
            reason: 'preflights do not have the fields of match.headers',
          },
        ],
  );
