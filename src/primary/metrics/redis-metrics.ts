import { gauge } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';
import type { RedisConnections } from '../redis/redis-connections.ts';
import type { RedisMemory, RedisNodeMemory } from './redis-memory.ts';

/** The Redis that the gateway uses; in a cluster one series for each primary. */
export function redisMetrics(redis: RedisMemory): MetricDefinition[] {
  const read = (value: (node: RedisNodeMemory) => number | undefined) => (): Sample[] =>
    redis.nodes.flatMap((each) => {
      const known = value(each);
      const labels: Record<string, string> = each.node === undefined ? {} : { redis_node: each.node };
      return known === undefined ? [] : [{ labels, value: known }];
    });
  return [
    gauge(
      'redis_memory_used_bytes',
      'used_memory of the Redis that the gateway uses; absent while it does not answer.',
      read(({ usedBytes }) => usedBytes),
    ),
    gauge(
      'redis_memory_max_bytes',
      'maxmemory of that Redis or, where maxmemory is 0 (no limit), the memory of its machine.',
      read(({ maxBytes }) => maxBytes),
    ),
    gauge(
      'redis_up',
      'Whether Redis answered this scrape within 500 ms.',
      read(({ up }) => Number(up)),
    ),
  ];
}

/** Each connection of the front; those of the request threads are `rate_limit_store_up`. */
export const connectionMetrics = (connections: Pick<RedisConnections, 'states'>): MetricDefinition[] => [
  gauge(
    'redis_connection_up',
    'Whether what is at the other end of this connection of the front answers; asked where it says nothing by itself.',
    () => connections.states().map(({ purpose, up }) => ({ labels: { connection: purpose }, value: Number(up) })),
  ),
];
