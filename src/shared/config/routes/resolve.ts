import type { EnvValues } from '../env-table.ts';
import { resolveAuthentication } from '../identity/resolve.ts';
import type { ProfileConfig } from '../identity/types.ts';
import { resolveRouteLimits, resolveRouteProfiles } from '../limits/resolve.ts';
import type { LimitDefaults } from '../limits/resolve.ts';
import { toMs } from '../numbers.ts';
import type { RouteConfig, TimeoutsConfig } from '../types.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import { resolveWebSocket } from '../websocket/resolve.ts';
import { routeName } from './conflicts.ts';

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
  return {
    name,
    path: route.path ?? route.exact ?? '/',
    exact: route.exact !== undefined,
    ignoreCase: route.ignore_case ?? false,
    ignoreTrailingSlash: route.ignore_trailing_slash ?? false,
    methods: route.methods,
    host: route.host?.toLowerCase(),
    upstream: route.upstream,
    stripPrefix: route.strip_prefix ?? false,
    preserveHost: route.preserve_host ?? false,
    timeouts: resolveTimeouts(env, route),
    maxBodyBytes: route.max_body_bytes ?? env.MAX_BODY_BYTES,
    limits: resolveRouteLimits(defaults, route, name),
    authentication: resolveAuthentication(route),
    profileLimits: resolveRouteProfiles(defaults, route, name),
    websocket: resolveWebSocket(env, route.websocket),
  };
}
