import type { Config, RouteConfig, RouteLimitsConfig } from '../../shared/config/types.ts';
import type { OnStoreFailure } from '../../shared/limits/rule.ts';
import { compileRule } from '../../shared/limits/rule.ts';
import type { CompiledRule } from '../../shared/limits/rule.ts';
import type { AskedRule } from './buckets.ts';

/** What a route asks of its clients; no rules = it is not limited. */
export interface LimitedRoute {
  readonly name: string;
  readonly rules: readonly CompiledRule[];
  /** Tokens per request; 0 where there are no rules. */
  readonly cost: number;
  readonly shadow: boolean;
  readonly onStoreFailure: OnStoreFailure;
  /** It is what messages of WebSockets pay there, not requests. */
  readonly ofMessages?: true;
}

const limitedRoute = (name: string, limits: RouteLimitsConfig | undefined): LimitedRoute => ({
  name,
  rules: limits?.rules.map(compileRule) ?? [],
  cost: limits?.cost ?? 0,
  shadow: limits?.shadow ?? false,
  onStoreFailure: limits?.onStoreFailure ?? 'local',
});

/** Its messages, where these are limited. */
const limitedMessages = ({ name, websocket }: RouteConfig): readonly LimitedRoute[] =>
  websocket?.messageLimits === undefined
    ? []
    : [{ ...limitedRoute(`${name} (messages)`, websocket.messageLimits), ofMessages: true }];

export const limitedRoutes = (routes: readonly RouteConfig[]): readonly LimitedRoute[] =>
  routes.flatMap((route) => [limitedRoute(route.name, route.limits), ...limitedMessages(route)]);

/** What routes ask of a consumer with this profile, '' = none; nothing where nobody knows who it is. */
export const routesForProfile = ({ routes }: Pick<Config, 'routes'>, profile: string): readonly LimitedRoute[] =>
  routes.flatMap((route) => {
    const { name, limits, authentication, profileLimits } = route;
    if (authentication === undefined) return [limitedRoute(name, undefined)];
    const ofProfile = profileLimits.find((each) => each.profile === profile);
    return [limitedRoute(name, ofProfile?.limits ?? limits), ...limitedMessages(route)];
  });

/** Each rule once, as the first route that has it asks for it: rules of one name share a bucket and have one limit. */
export function distinctRules(routes: readonly LimitedRoute[]): readonly AskedRule[] {
  const byName = new Map<string, AskedRule>();
  for (const { rules, cost } of routes) {
    for (const rule of rules) if (!byName.has(rule.name)) byName.set(rule.name, { rule, cost });
  }
  return [...byName.values()];
}

/** Buckets that each client has at least. */
export function fewestRules(routes: readonly LimitedRoute[]): number {
  const counts = routes
    .filter(({ ofMessages }) => ofMessages === undefined)
    .map(({ rules }) => rules.length)
    .filter((count) => count > 0);
  return counts.length === 0 ? 1 : Math.min(...counts);
}
