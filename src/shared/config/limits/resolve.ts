import type { RuleSpec } from '../../limits/rule.ts';
import type { EnvValues } from '../env-table.ts';
import { resolveProfileLimits } from '../identity/resolve.ts';
import { SHIPPED_PROFILES } from '../identity/profiles.ts';
import type { ProfileConfig } from '../identity/types.ts';
import { ruleNameOf } from './rule-name.ts';
import type { LimitsConfig, ProfileLimitsConfig, RouteLimitsConfig } from '../types.ts';
import type { RouteYaml } from '../yaml-schema.ts';

/** @param namesConsumers a route finds out who asks, and nothing is said of who counts as a client */
export const resolveLimits = (env: EnvValues, namesConsumers = false): LimitsConfig => ({
  key: namesConsumers ? [{ kind: 'consumer' }, ...env.RATE_LIMIT_KEY] : env.RATE_LIMIT_KEY,
  ipv6Prefix: env.RATE_LIMIT_IPV6_PREFIX,
  allowlist: env.RATE_LIMIT_ALLOWLIST ?? { cidrs: [], keys: [] },
  headers: env.RATE_LIMIT_HEADERS,
  batchMaxWaitMs: env.RATE_LIMIT_BATCH_MAX_WAIT_MICROSECONDS / 1000,
  timeoutMs: env.RATE_LIMIT_TIMEOUT_MILLISECONDS,
  timeoutMaxMs: Math.max(env.RATE_LIMIT_TIMEOUT_MILLISECONDS, env.RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS),
  maxClients: env.RATE_LIMIT_MAX_CLIENTS,
});

/** Whether the environment's limit holds on routes that say nothing of limits. */
export interface LimitDefaults {
  readonly env: EnvValues;
  readonly limitByDefault: boolean;
}

function rulesOf({ env, limitByDefault }: LimitDefaults, route: RouteYaml, routeName: string): readonly RuleSpec[] {
  if (route.limits !== undefined) {
    return route.limits.map(({ name, capacity, refill_per_second: refillPerSecond }) => ({
      name: name ?? ruleNameOf(routeName),
      capacity,
      refillPerSecond,
    }));
  }
  return limitByDefault ? [{ name: '', ...defaultNumbers(env) }] : [];
}

function defaultNumbers(env: EnvValues): Omit<RuleSpec, 'name'> {
  if (env.RATE_LIMIT_PROFILE !== undefined) return SHIPPED_PROFILES[env.RATE_LIMIT_PROFILE];
  return { capacity: env.RATE_LIMIT_CAPACITY, refillPerSecond: env.RATE_LIMIT_REFILL_RATE };
}

/** How a route is limited; `undefined` = it is not. */
export function resolveRouteLimits(
  defaults: LimitDefaults,
  route: RouteYaml,
  routeName: string,
): RouteLimitsConfig | undefined {
  const rules = rulesOf(defaults, route, routeName);
  return rules.length === 0 ? undefined : { rules, ...howOf(defaults.env, route) };
}

/** The same for consumers of each profile; a route that is never limited is not limited for them either. */
export function resolveRouteProfiles(
  defaults: LimitDefaults & { readonly profiles: readonly ProfileConfig[] },
  route: RouteYaml,
  routeName: string,
): readonly ProfileLimitsConfig[] {
  const isLimited = route.limits === undefined || route.limits.length > 0;
  if (!isLimited || (route.authenticate ?? []).length === 0) return [];
  return resolveProfileLimits(defaults.profiles, rulesOf(defaults, route, routeName), howOf(defaults.env, route));
}

export function howOf(env: EnvValues, route: RouteYaml): Omit<RouteLimitsConfig, 'rules'> {
  return {
    cost: route.cost ?? 1,
    onStoreFailure: route.on_store_failure ?? env.RATE_LIMIT_ON_STORE_FAILURE,
    shadow: route.shadow ?? env.RATE_LIMIT_SHADOW,
    leaseTokens: route.lease ?? env.RATE_LIMIT_LEASE,
  };
}
