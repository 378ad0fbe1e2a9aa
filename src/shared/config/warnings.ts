import { hostBits } from './host-bits.ts';
import { uselessHealthPath } from './health/warnings.ts';
import { idleProfiles, riskyClientKey } from './limits/warnings.ts';
import { unmetPreflights } from './rules/cors.ts';
import { literalPatterns, looselyShadowed } from './routes/warnings.ts';
import { upstreamsOf } from './split/resolve.ts';
import { riskyRetries } from './retries/warnings.ts';
import { uselessBalance, uselessResolve } from './targets/warnings.ts';
import type { EnvName } from './env-table.ts';
import type { Problem } from './problems.ts';
import type { Config, RouteConfig } from './types.ts';
import { socketsOnUws } from './websocket/warnings.ts';
import type { GatewayYaml, RouteYaml } from './yaml-schema.ts';

/** Things that work but are hardly meant. */

function unusedUpstreams(config: Config): readonly Problem[] {
  const used = new Set(
    config.routes.flatMap((route) => [...upstreamsOf(route), route.mirror?.upstream, route.authorization?.upstream]),
  );
  return config.upstreams
    .filter(({ name }) => !used.has(name))
    .map(({ name }) => ({
      key: `upstreams.${name}`,
      value: undefined,
      expected: 'a route to it',
      reason: 'no route uses it',
    }));
}

function uselessLimits({ name, limits }: RouteConfig): readonly Problem[] {
  if (limits === undefined) return [];
  const { cost, leaseTokens, rules } = limits;
  const key = `routes.${name}`;
  const small = rules.find(({ capacity }) => capacity > 0 && capacity < cost);
  const problems: Problem[] = [];
  if (small !== undefined) {
    const expected = `at most ${small.capacity}, the capacity (else every request is refused)`;
    problems.push({ key: `${key}.cost`, value: String(cost), expected });
  }
  if (leaseTokens > 0 && leaseTokens < cost) {
    const expected = `0 or at least ${cost}, the cost (else nothing is taken ahead)`;
    problems.push({ key: `${key}.lease`, value: String(leaseTokens), expected });
  }
  return problems;
}

const OF_LIMITS = ['cost', 'on_store_failure', 'shadow', 'lease'] as const satisfies readonly (keyof RouteYaml)[];

/** A route that says how it is limited, but is not: it has no `limits`, and the environment sets none either. */
function limitsLeftOut(config: Config, yaml: GatewayYaml): readonly Problem[] {
  return (yaml.routes ?? []).flatMap((route, index) => {
    const resolved = config.routes[index];
    if (resolved === undefined || resolved.limits !== undefined || route.limits !== undefined) return [];
    const limitsMessages = resolved.websocket?.messageLimits !== undefined;
    const reason = 'the route is not limited';
    const expected = 'limits, or RATE_LIMIT_CAPACITY in the environment';
    const idle = limitsMessages ? (['cost'] as const) : OF_LIMITS;
    return idle
      .filter((key) => route[key] !== undefined)
      .map((key) => ({
        key: `routes.${resolved.name}.${key}`,
        value: undefined,
        expected,
        reason,
      }));
  });
}

const OF_REDIS = [
  'REDIS_MODE',
  'REDIS_USERNAME',
  'REDIS_PASSWORD',
  'REDIS_TLS_CA_FILE',
  'REDIS_SENTINEL_MASTER',
  'REDIS_SENTINEL_USERNAME',
] as const satisfies readonly EnvName[];

function redisWithoutUrl(config: Config, given: ReadonlySet<EnvName>): readonly Problem[] {
  if (config.redis !== undefined) return [];
  const reason = 'no Redis is used';
  return OF_REDIS.filter((key) => given.has(key)).map((key) => ({
    key,
    value: undefined,
    expected: 'REDIS_URL with it',
    reason,
  }));
}

const OF_TLS = [
  'TLS_MIN_VERSION',
  'TLS_CIPHERS',
  'TLS_HANDSHAKE_TIMEOUT_SECONDS',
  'TLS_MAX_HANDSHAKES',
  'TLS_CLIENT_CA_FILE',
  'TLS_TICKET_KEYS_FILE',
] as const satisfies readonly EnvName[];

/** Those of them that uWebSockets.js has no setting for. */
const OF_NATIVE_TLS: readonly EnvName[] = [
  'TLS_HANDSHAKE_TIMEOUT_SECONDS',
  'TLS_MAX_HANDSHAKES',
  'TLS_TICKET_KEYS_FILE',
];

function uselessTls({ server }: Config, given: ReadonlySet<EnvName>): readonly Problem[] {
  const without = (keys: readonly EnvName[], reason: string, expected: string): readonly Problem[] =>
    keys.filter((key) => given.has(key)).map((key) => ({ key, value: undefined, expected, reason }));
  if (server.tls === undefined) return without(OF_TLS, 'TLS is off', 'TLS_CERT_FILE with it');
  if (server.tls.clientCaFile === undefined && given.has('TLS_CLIENT_CA_FILE')) {
    return without(
      ['TLS_CLIENT_CA_FILE'],
      'clients are not asked for certificates',
      'TLS_CLIENT_AUTH=optional with it',
    );
  }
  return server.front === 'native' ? [] : without(OF_NATIVE_TLS, 'FRONT=uws does not use it', 'FRONT=native with it');
}

/** Nobody's Client-Cert is read then. */
function certificatesOfNobody({ identities, server }: Config): readonly Problem[] {
  if (!identities.readsClientCert || server.trustedProxies.length > 0) return [];
  const reason = 'no proxy is trusted';
  return [{ key: 'CLIENT_CERT_HEADER', value: undefined, expected: 'TRUSTED_PROXIES with it', reason }];
}

/** Then all requests come by http, and a client that is sent on by https comes back so. */
function httpsOfNobody({ routes, server }: Config): readonly Problem[] {
  if (server.tls !== undefined || server.trustedProxies.length > 0) return [];
  const expected = 'TLS_CERT_FILE, or TRUSTED_PROXIES that say X-Forwarded-Proto';
  const reason = 'nobody comes by https';
  return routes
    .filter(({ rules }) => rules?.detour?.kind === 'scheme')
    .map(({ name }) => ({ key: `routes.${name}.redirect.scheme`, value: undefined, expected, reason }));
}

/** Nobody is asked for a PROXY header then, and whoever sends one gets a 400. */
function proxyOfNobody({ server }: Config): readonly Problem[] {
  if (!server.proxyProtocol || server.trustedProxies.length > 0) return [];
  const reason = 'no proxy is trusted';
  return [{ key: 'PROXY_PROTOCOL', value: undefined, expected: 'TRUSTED_PROXIES with it', reason }];
}

/**
 * Warnings about a configuration that is valid.
 * @param from what it was made of
 */
export const warningsOf = (
  config: Config,
  from: { readonly given: ReadonlySet<EnvName>; readonly yaml: GatewayYaml | undefined },
): readonly Problem[] => [
  ...redisWithoutUrl(config, from.given),
  ...uselessTls(config, from.given),
  ...proxyOfNobody(config),
  ...hostBits(config),
  ...certificatesOfNobody(config),
  ...httpsOfNobody(config),
  ...uselessHealthPath(config, from),
  ...uselessResolve(config),
  ...uselessBalance(config),
  ...riskyRetries(config),
  ...riskyClientKey(config),
  ...idleProfiles(config),
  ...unusedUpstreams(config),
  ...config.routes.flatMap(uselessLimits),
  ...limitsLeftOut(config, from.yaml ?? {}),
  ...unmetPreflights(config),
  ...socketsOnUws(config, from),
  ...literalPatterns(config),
  ...looselyShadowed(config),
];
