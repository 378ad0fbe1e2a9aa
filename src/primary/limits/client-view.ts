import type { ClientLimitsAnswer } from '../../shared/admin/limits.ts';
import type { OverrideState } from '../../shared/limits/overrides.ts';
import { CLOSED_RETRY_MS, ruleLabel } from '../../shared/limits/rule.ts';
import { waitMs } from '../../shared/limits/token-bucket.ts';
import type { AskedRule, Level } from './buckets.ts';
import type { ConsumerProfile } from './consumer-profile.ts';
import type { LimitedRoute } from './limited-routes.ts';

export interface ClientFacts {
  readonly client: string;
  readonly scope: 'cluster' | 'node';
  readonly allowlisted: boolean;
  readonly override: { readonly state: OverrideState; readonly remainingMs: number } | undefined;
  /** Each rule once, and how full its bucket is. */
  readonly buckets: readonly (AskedRule & { readonly level: Level })[];
  readonly routes: readonly LimitedRoute[];
  readonly profile: ConsumerProfile | undefined;
  /** Redis is configured and cannot be asked: each route goes on as it says. */
  readonly storeAway: boolean;
}

type RouteAnswer = ClientLimitsAnswer['routes'][number];
type Decided = Pick<RouteAnswer, 'wouldPass' | 'refusedBy'> & { readonly retryAfterMs: number };

const PASSES: Decided = { wouldPass: true, refusedBy: null, retryAfterMs: 0 };

/** What a request of this client would meet now, on every route; nothing is taken for it. */
export function clientView(facts: ClientFacts): ClientLimitsAnswer {
  const { client, scope, allowlisted, override, buckets, routes } = facts;
  return {
    client,
    scope,
    allowlisted,
    profile: facts.profile ?? null,
    override: override === undefined ? null : { state: override.state, remainingSeconds: upTo(override.remainingMs) },
    buckets: buckets.map(({ rule, level: { exists, tokens, limit } }) => ({
      rule: ruleLabel(rule),
      exists,
      tokens: Math.floor(tokens * 1000) / 1000,
      capacity: limit.capacity,
      refillPerSecond: limit.refillPerSecond,
      fullInSeconds: upTo(waitMs(tokens, limit.capacity, limit)),
    })),
    routes: routes.map((route) => {
      const { retryAfterMs, ...decided } = decide(facts, route);
      const { name, rules, cost, shadow } = route;
      return {
        route: name,
        rules: rules.map(ruleLabel),
        cost,
        ...decided,
        retryAfterSeconds: upTo(retryAfterMs),
        shadow,
      };
    }),
  };
}

/** In the order in which a request meets them: an operator's word, the allow-list, the buckets. */
function decide(facts: ClientFacts, route: LimitedRoute): Decided {
  const { override, allowlisted, storeAway } = facts;
  if (override?.state === 'BANNED') return { wouldPass: false, refusedBy: 'ban', retryAfterMs: override.remainingMs };
  if (override?.state === 'EXEMPT' || allowlisted || route.rules.length === 0) return PASSES;
  if (storeAway && route.onStoreFailure === 'open') return PASSES;
  if (storeAway && route.onStoreFailure === 'closed') {
    return route.shadow ? PASSES : { wouldPass: false, refusedBy: null, retryAfterMs: CLOSED_RETRY_MS };
  }
  const refusal = longestWait(facts, route);
  if (refusal === undefined) return PASSES;
  return route.shadow ? { ...PASSES, refusedBy: refusal.refusedBy } : refusal;
}

/** The rule that refuses, of several the one with the longest wait; undefined = all grant. */
function longestWait({ buckets }: ClientFacts, { rules, cost }: LimitedRoute): Decided | undefined {
  let longest: Decided | undefined;
  for (const rule of rules) {
    const bucket = buckets.find((each) => each.rule.name === rule.name);
    if (bucket === undefined) continue;
    const retryAfterMs = waitMs(bucket.level.tokens, cost, bucket.level.limit);
    if (retryAfterMs <= (longest?.retryAfterMs ?? 0)) continue;
    longest = { wouldPass: false, refusedBy: ruleLabel(rule), retryAfterMs };
  }
  return longest;
}

/** Whole seconds, rounded up: who waits so long has waited long enough. */
const upTo = (ms: number): number => Math.ceil(ms / 1000);
