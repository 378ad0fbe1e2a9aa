import { parseAuthorizerUrl } from './authorize/url.ts';
import type { YamlProblem } from './yaml-problems.ts';

/** What a configuration may have at most: memory and tables of the process are made for so much. */
const MOST = { routes: 1_024, upstreams: 256, consumers: 100_000 } as const;

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const countOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : isMapping(value) ? Object.keys(value).length : 0;

/** Servers that some `authorize.url` names: each is an upstream of its own. */
function authorizersOf(routes: unknown): number {
  const servers = new Set<string>();
  for (const route of Array.isArray(routes) ? (routes as readonly unknown[]) : []) {
    const authorize = isMapping(route) ? route['authorize'] : undefined;
    const url = isMapping(authorize) ? authorize['url'] : undefined;
    const parsed = typeof url === 'string' ? parseAuthorizerUrl(url) : undefined;
    if (parsed?.ok === true) servers.add(parsed.value.server.origin);
  }
  return servers.size;
}

/** What there is too much of, with how much it is; empty: nothing. */
export function checkBounds(file: Mapping, hasDefaultUpstream: boolean): readonly YamlProblem[] {
  const { routes, upstreams, consumers } = file;
  const authorizers = authorizersOf(routes);
  const isDefaultApart = hasDefaultUpstream && !(isMapping(upstreams) && 'default' in upstreams);
  const allUpstreams = countOf(upstreams) + authorizers + (isDefaultApart ? 1 : 0);
  const problem = (section: keyof typeof MOST, found: number, more = ''): readonly YamlProblem[] =>
    found <= MOST[section]
      ? []
      : [{ path: [section], value: `${found} ${section}`, expected: `at most ${MOST[section]}${more}` }];
  const counted = [...(authorizers > 0 ? ['authorizers'] : []), ...(isDefaultApart ? ['that of UPSTREAM_URL'] : [])];
  return [
    ...problem('routes', countOf(routes)),
    ...problem('upstreams', allUpstreams, counted.length === 0 ? '' : `, ${counted.join(' and ')} included`),
    ...problem('consumers', countOf(consumers), ' in files; `gateway key create` makes keys of any number more'),
  ];
}
