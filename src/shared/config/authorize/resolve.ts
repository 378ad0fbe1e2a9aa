import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import type { RouteConfig, UpstreamConfig } from '../types.ts';
import { upstreamsOf } from '../split/resolve.ts';
import { resolveUpstream } from '../upstreams/resolve.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import { QUESTION_PARTS } from './types.ts';
import type { QuestionPart, RouteAuthorizationConfig } from './types.ts';
import { parseAuthorizerUrl } from './url.ts';
import type { AuthorizerUrl } from './url.ts';
import { AUTHORIZE_DEFAULTS } from './yaml.ts';
import type { AuthorizeYaml } from './yaml.ts';

/** No upstream of the file can have such a name. */
const PREFIX = 'authorizer:';

const lowerCase = (names: readonly string[]): readonly string[] => names.map((name) => name.toLowerCase());

const isPart = (name: string): name is QuestionPart => (QUESTION_PARTS as readonly string[]).includes(name);

function urlOf({ url }: AuthorizeYaml): AuthorizerUrl | undefined {
  const parsed = url === undefined ? undefined : parseAuthorizerUrl(url);
  return parsed?.ok === true ? parsed.value : undefined;
}

/** One a server, whatever is asked of it. */
const upstreamOf = ({ server }: AuthorizerUrl): string => PREFIX + server.origin.replace('//', '');

function cachePartsOf(own: AuthorizeYaml): RouteAuthorizationConfig['cacheBy'] {
  if (own.cache_by === undefined) return undefined;
  const names = lowerCase(own.cache_by);
  return { fields: names.filter((name) => !isPart(name)), parts: names.filter(isPart) };
}

export function resolveAuthorization({ authorize: own }: RouteYaml): RouteAuthorizationConfig | undefined {
  if (own === undefined) return undefined;
  const url = urlOf(own);
  return {
    upstream: url === undefined ? (own.upstream ?? '') : upstreamOf(url),
    target: url === undefined ? (own.path ?? '/') : url.target,
    forward: lowerCase(own.forward ?? AUTHORIZE_DEFAULTS.forward),
    copy: lowerCase(own.copy ?? []),
    timeoutMs: toMs(own.timeout_seconds ?? AUTHORIZE_DEFAULTS.timeout_seconds),
    cacheMs: toMs(own.cache_seconds ?? AUTHORIZE_DEFAULTS.cache_seconds),
    negativeCacheMs: toMs(own.negative_cache_seconds ?? AUTHORIZE_DEFAULTS.negative_cache_seconds),
    cacheBy: cachePartsOf(own),
    onFailure: own.on_failure ?? 'closed',
  };
}

/** An upstream for each server that some `authorize.url` names: with a pool, a breaker, time-outs of its own. */
export function resolveAuthorizers(env: EnvValues, routes: readonly RouteYaml[]): readonly UpstreamConfig[] {
  const made = new Map<string, UpstreamConfig>();
  for (const { authorize } of routes) {
    const url = authorize === undefined ? undefined : urlOf(authorize);
    if (url === undefined) continue;
    const name = upstreamOf(url);
    made.set(
      name,
      resolveUpstream(env, '', [name, { url: url.server.origin, pipelining: 1, concurrency: { max: 0 } }]),
    );
  }
  return [...made.values()];
}

/**
 * What an authorizer says of a caller, on one route to an upstream, no client may say itself on another: the upstream
 * cannot tell by which it came.
 */
export function withAuthorizedFields(routes: readonly RouteConfig[]): readonly RouteConfig[] {
  const fields = new Map<string, Set<string>>();
  for (const route of routes) {
    for (const upstream of upstreamsOf(route)) {
      const known = fields.get(upstream) ?? new Set();
      fields.set(upstream, known);
      for (const name of route.authorization?.copy ?? []) known.add(name);
    }
  }
  return routes.map((route) => {
    const all = upstreamsOf(route).flatMap((upstream) => [...(fields.get(upstream) ?? [])]);
    return { ...route, authorizedFields: [...new Set(all)] };
  });
}
