import type { AnyOperation } from '../admin/contract/operation.ts';
import type { RedisConnections } from '../redis/redis-connections.ts';
import { metricsOperations } from './operations.ts';
import type { MetricParts } from './parts.ts';
import { METRICS_REDIS_OPTIONS, RedisMemory } from './redis-memory.ts';

/** Composes what the admin port tells of the process's numbers. Once per process. */
export function startMetrics(
  parts: Omit<MetricParts, 'redis' | 'connections'> & { readonly ofJobs: RedisConnections | undefined },
  connections: RedisConnections | undefined,
) {
  const client = connections?.open('metrics', METRICS_REDIS_OPTIONS);
  const { ofJobs } = parts;
  const all =
    connections === undefined && ofJobs === undefined
      ? undefined
      : { states: () => [...(connections?.states() ?? []), ...(ofJobs?.states() ?? [])] };
  const redis = client && new RedisMemory(client);
  return {
    operations: metricsOperations({ ...parts, connections: all, redis }) as readonly AnyOperation[],
    redis: { memory: redis, states: () => all?.states() ?? [] },
  };
}
