import type { RedisConfig } from '../../shared/config/types.ts';
import type { connectRedis } from '../../shared/redis/connect.ts';
import type { AnyOperation } from '../admin/contract/operation.ts';
import { metricsOperations } from './operations.ts';
import type { MetricParts } from './parts.ts';
import { METRICS_REDIS_OPTIONS, RedisMemory } from './redis-memory.ts';

export interface Metrics {
  readonly operations: readonly AnyOperation[];
  /** Ends the connection to Redis. Idempotent. */
  close(): void;
}

/** Composes what the admin port tells of the process's numbers. Once per process. */
export function startMetrics(
  parts: Omit<MetricParts, 'redis'>,
  store: { readonly config: RedisConfig | undefined; readonly connect: typeof connectRedis | undefined },
): Metrics {
  const { config, connect } = store;
  const client = config === undefined ? undefined : connect?.(config, METRICS_REDIS_OPTIONS);
  const redis = client && new RedisMemory(client);
  return { operations: metricsOperations({ ...parts, redis }), close: () => client?.disconnect() };
}
