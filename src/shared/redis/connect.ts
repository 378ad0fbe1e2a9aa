import { Cluster, Redis } from 'ioredis';
import type { RedisConfig } from '../config/types.ts';
import { ANY_REDIS, redisAddress, redisCredentials } from './connection.ts';
import type { RedisSettings } from './connection.ts';

/** How a client deals with a Redis that is away: nothing waits in a queue, nothing is sent late. */
export type RedisBehaviour = Pick<
  RedisSettings,
  'maxRetriesPerRequest' | 'autoResubscribe' | 'connectTimeout' | 'commandTimeout' | 'socketTimeout'
> & {
  readonly retryStrategy: (attempt: number) => number;
  /** Commands wait for a Redis that is away. */
  readonly enableOfflineQueue?: boolean;
};

/**
 * A connection on which a command, those of the handshake included, has waited so long without a byte is made anew: the
 * peer may have vanished without a FIN, and TCP alone would notice after a quarter of an hour.
 */
const SILENT_MS = 2_000;

/** What each server is asked with, whatever the topology. */
export function settingsOf(behaviour: RedisBehaviour): Omit<RedisSettings, 'retryStrategy'> {
  const { retryStrategy: _, enableOfflineQueue: __, ...rest } = behaviour;
  return { socketTimeout: SILENT_MS, ...rest, ...ANY_REDIS };
}

/** Everybody who keeps something in Redis hears when a client is ready; Node warns of more than ten as of a leak. */
const MOST_LISTENERS = 64;

/** A client of its own for one purpose. */
export function connectRedis(config: RedisConfig, behaviour: RedisBehaviour): Redis | Cluster {
  const client = connected(config, behaviour);
  client.setMaxListeners(MOST_LISTENERS);
  return client;
}

function connected(config: RedisConfig, behaviour: RedisBehaviour): Redis | Cluster {
  const { retryStrategy, enableOfflineQueue = false } = behaviour;
  const perNode = settingsOf(behaviour);
  if (config.mode !== 'cluster') {
    return new Redis({ ...perNode, retryStrategy, ...redisAddress(config), enableOfflineQueue });
  }
  const nodes = config.nodes.map(({ host, port }) => ({ host, port }));
  return new Cluster(nodes, {
    enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    redisOptions: { ...perNode, ...redisCredentials(config) },
  });
}
