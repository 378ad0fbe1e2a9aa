import { Cluster, Redis } from 'ioredis';
import type { RedisConfig } from '../config/types.ts';
import { redisAddress, redisCredentials } from './connection.ts';
import type { RedisSettings } from './connection.ts';

/** How a client deals with a Redis that is away: nothing waits in a queue, nothing is sent late. */
export type RedisBehaviour = Pick<
  RedisSettings,
  'maxRetriesPerRequest' | 'autoResubscribe' | 'connectTimeout' | 'commandTimeout'
> & { readonly retryStrategy: (attempt: number) => number };

/** A client of its own for one purpose. */
export function connectRedis(config: RedisConfig, behaviour: RedisBehaviour): Redis | Cluster {
  const { retryStrategy, ...perNode } = behaviour;
  if (config.mode !== 'cluster') {
    return new Redis({ ...behaviour, ...redisAddress(config), enableOfflineQueue: false });
  }
  const nodes = config.nodes.map(({ host, port }) => ({ host, port }));
  return new Cluster(nodes, {
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    redisOptions: { ...perNode, ...redisCredentials(config) },
  });
}
