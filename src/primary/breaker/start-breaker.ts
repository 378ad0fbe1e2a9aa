import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { ApiKeysEvent, ClusterEvent, HealthEvent, LimitEvent } from '../../shared/redis/events.ts';
import { createEventFeed } from './event-feed.ts';
import { BreakerFront } from './front.ts';
import type { BreakerFrontOptions } from './front-options.ts';
import { createRedisAuthority } from './redis-authority.ts';

/** What any ioredis client of the breaker must be made with; address, TLS and password come from the configuration. */
export const BREAKER_REDIS_OPTIONS = {
  /** A command while Redis is gone fails at once: nothing is sent late, nothing counts twice. */
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  /** The feed subscribes itself, and reads the truth again each time. */
  autoResubscribe: false,
  connectTimeout: 1_000,
  /** Back within 2 s of Redis being back. */
  retryStrategy: (attempt: number): number => Math.min(attempt * 50, 500),
} as const satisfies RedisOptions;

export interface BreakerStoreOptions {
  /** A new client of its own for each purpose; the breaker closes it. `database` matters for keyspace events only. */
  readonly connect: (purpose: 'breakers' | 'events') => Redis | Cluster;
  /** Why the connection for commands is none. */
  readonly whyNot?: () => string;
  readonly database: number;
  /** Takes events of the channel that are the limits'. */
  readonly onLimitEvent?: (event: LimitEvent) => void;
  /** Takes those that are of health probes. */
  readonly onHealthEvent?: (event: HealthEvent) => void;
  /** The targets that are drained are others. */
  readonly onDrainsEvent?: () => void;
  /** The weights that were moved are others. */
  readonly onSplitsEvent?: () => void;
  /** Takes those that are of API keys. */
  readonly onKeysEvent?: (event: ApiKeysEvent) => void;
  /** Maintenance is another. */
  readonly onMaintenanceEvent?: () => void;
  /** There is another version of the configuration, or one is proposed. */
  readonly onConfigEvent?: () => void;
  /** Events may have been missed. */
  readonly onDoubt?: () => void;
  /** Longer than this without an answer counts as gone. */
  readonly timeoutMs: number;
}

export interface Breaker {
  readonly front: BreakerFront;
  /** Idempotent. */
  close(): void;
}

/** Composes the node's side of the breakers; `store` undefined = no Redis, per process. Close it after the threads. */
export function startBreaker(
  options: Omit<BreakerFrontOptions, 'authority'>,
  store: BreakerStoreOptions | undefined,
): Breaker {
  if (store === undefined) {
    const front = new BreakerFront({ ...options, authority: undefined });
    return { front, close: () => front.close() };
  }
  const commands = store.connect('breakers');
  commands.on('error', () => {}); // told as a change of scope; without a listener ioredis writes to the console
  const authority = createRedisAuthority(commands, {
    timeoutMs: store.timeoutMs,
    clock: options.clock,
    whyNot: store.whyNot ?? (() => 'not connected'),
  });
  const front = new BreakerFront({ ...options, authority });
  const take = (event: ClusterEvent): void => {
    switch (event.type) {
      case 'circuit-breaker':
      case 'circuit-breaker-failures':
        return front.hint(event);
      case 'limit-overrides':
      case 'limit-client':
        return store.onLimitEvent?.(event);
      case 'health':
        return store.onHealthEvent?.(event);
      case 'target-drains':
        return store.onDrainsEvent?.();
      case 'splits':
        return store.onSplitsEvent?.();
      case 'keys-changed':
        return store.onKeysEvent?.(event);
      case 'maintenance':
        return store.onMaintenanceEvent?.();
      case 'config':
        return store.onConfigEvent?.();
      default:
        event satisfies never;
    }
  };
  const events = store.connect('events');
  const feed = createEventFeed({
    client: events,
    database: store.database,
    onEvent: take,
    onDoubt: () => {
      front.doubt();
      store.onDoubt?.();
    },
  });
  return {
    front,
    close() {
      feed.close();
      front.close();
      events.disconnect();
      commands.disconnect();
    },
  };
}
