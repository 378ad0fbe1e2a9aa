import type { RuleSpec } from '../../limits/rule.ts';
import type { EnvValues } from '../env-table.ts';
import { ruleNameOf } from './rule-name.ts';
import type { LimitsConfig, RouteLimitsConfig } from '../types.ts';
import type { RouteYaml } from '../yaml-schema.ts';

export const resolveLimits = (env: EnvValues): LimitsConfig => ({
  key: env.RATE_LIMIT_KEY,
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
  const { RATE_LIMIT_CAPACITY: capacity, RATE_LIMIT_REFILL_RATE: refillPerSecond } = env;
  return limitByDefault ? [{ name: '', capacity, refillPerSecond }] : [];
}

/** How a route is limited; `undefined` = it is not. */
export function resolveRouteLimits(
  defaults: LimitDefaults,
  route: RouteYaml,
  routeName: string,
): RouteLimitsConfig | undefined {
  const { env } = defaults;
  const rules = rulesOf(defaults, route, routeName);
  if (rules.length === 0) return undefined;
  return {
    rules,
    cost: route.cost ?? 1,
    onStoreFailure: route.on_store_failure ?? env.RATE_LIMIT_ON_STORE_FAILURE,
    shadow: route.shadow ?? env.RATE_LIMIT_SHADOW,
    leaseTokens: route.lease ?? env.RATE_LIMIT_LEASE,
  };
}
