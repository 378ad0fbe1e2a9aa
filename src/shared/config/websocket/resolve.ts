import type { EnvValues } from '../env-table.ts';
import { howOf } from '../limits/resolve.ts';
import { messageRuleNameOf } from '../limits/rule-name.ts';
import { toMs } from '../numbers.ts';
import type { RouteLimitsConfig, WebSocketConfig } from '../types.ts';
import type { RouteYaml } from '../yaml-schema.ts';
import { WEBSOCKET_DEFAULTS } from './yaml.ts';

/** Of the smallest bucket that a thread takes ahead for a busy client where nobody says otherwise: messages come in numbers. */
const LEASED_SHARE = 1 / 10;
const MOST_LEASED = 100;

/** Values that have passed every check. */
export function resolveWebSocket(env: EnvValues, route: RouteYaml, routeName: string): WebSocketConfig | undefined {
  const own = route.websocket;
  if (own === undefined) return undefined;
  return {
    maxMessageBytes: own.max_message_bytes ?? env.WEBSOCKET_MAX_MESSAGE_BYTES,
    idleMs: toMs(own.idle_seconds ?? WEBSOCKET_DEFAULTS.idle_seconds),
    maxMs: toMs(own.max_seconds ?? WEBSOCKET_DEFAULTS.max_seconds),
    pingMs: toMs(own.ping_seconds ?? WEBSOCKET_DEFAULTS.ping_seconds),
    origins: own.origins,
    messageLimits: resolveMessageLimits(env, route, routeName),
    onMessageRefused: own.on_message_refused ?? WEBSOCKET_DEFAULTS.on_message_refused,
  };
}

/** As requests of the route are limited, but a message always costs one token. */
function resolveMessageLimits(env: EnvValues, route: RouteYaml, routeName: string): RouteLimitsConfig | undefined {
  const limits = route.websocket?.message_limits;
  if (limits === undefined) return undefined;
  const rules = limits.map(({ name, capacity, refill_per_second: refillPerSecond }) => ({
    name: name ?? messageRuleNameOf(routeName),
    capacity,
    refillPerSecond,
  }));
  const smallest = Math.min(...rules.map(({ capacity }) => capacity));
  const ahead = Math.min(Math.floor(smallest * LEASED_SHARE), MOST_LEASED);
  const how = howOf(env, route);
  return { rules, ...how, cost: 1, leaseTokens: route.lease ?? (how.leaseTokens > 0 ? how.leaseTokens : ahead) };
}
