import { resolveAuthorization } from '../authorize/resolve.ts';
import type { EnvValues } from '../env-table.ts';
import { resolveAuthentication } from '../identity/resolve.ts';
import type { ProfileConfig } from '../identity/types.ts';
import { resolveRouteLimits, resolveRouteProfiles } from '../limits/resolve.ts';
import type { LimitDefaults } from '../limits/resolve.ts';
import { toMs } from '../numbers.ts';
import type { RouteConfig, TimeoutsConfig } from '../types.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import { resolveRules } from '../rules/resolve.ts';
import { resolveSplit } from '../split/resolve.ts';
import { resolveRetries } from '../retries/resolve.ts';
import { resolveWebSocket } from '../websocket/resolve.ts';
import { routeName } from './conflicts.ts';
import { routedPart } from './routed-part.ts';

function resolveTimeouts(env: EnvValues, route: RouteYaml): TimeoutsConfig {
  const own = route.timeouts ?? {};
  return {
    connectMs: toMs(own.connect_seconds ?? env.CONNECT_TIMEOUT_SECONDS),
    headersMs: toMs(own.response_headers_seconds ?? env.RESPONSE_HEADERS_TIMEOUT_SECONDS),
    bodyIdleMs: toMs(own.body_idle_seconds ?? env.BODY_IDLE_TIMEOUT_SECONDS),
    uploadMs: toMs(own.upload_seconds ?? env.UPLOAD_TIMEOUT_SECONDS),
    totalMs: toMs(own.total_seconds ?? env.TOTAL_TIMEOUT_SECONDS),
  };
}

export function resolveRoute(
  defaults: LimitDefaults & { readonly profiles: readonly ProfileConfig[] },
  route: RouteYaml,
): RouteConfig {
  const { env } = defaults;
  const name = routeName(route) ?? 'root';
  const split = resolveSplit(route);
  const upstream = route.upstream ?? split?.[0]?.upstream;
  const answers = upstream === undefined;
  return {
    name,
    ...routedPart(route),
    upstream,
    split,
    mirror: route.mirror,
    rules: resolveRules(route, env),
    preserveHost: route.preserve_host ?? false,
    timeouts: resolveTimeouts(env, route),
    retries: resolveRetries(env, route.retries),
    priority: route.priority,
    maxQueryBytes: route.max_query_bytes ?? env.MAX_QUERY_BYTES,
    maxResponseBytes: route.max_response_bytes ?? env.MAX_RESPONSE_BYTES,
    maxBodyBytes: route.max_body_bytes ?? env.MAX_BODY_BYTES,
    // Nobody pays for an answer that costs no upstream anything; who is banned is refused.
    limits: answers ? undefined : resolveRouteLimits(defaults, route, name),
    authentication: resolveAuthentication(route),
    authorization: resolveAuthorization(route),
    authorizedFields: [],
    profileLimits: resolveRouteProfiles(defaults, route, name),
    websocket: resolveWebSocket(env, route, name),
  };
}
