import { Redis } from 'ioredis';
import type { Cluster } from 'ioredis';
import { random } from '../clock.ts';
import type { RedisConfig } from '../config/types.ts';
import { connectRedis, settingsOf } from './connect.ts';
import type { RedisBehaviour } from './connect.ts';
import { redisCredentials } from './connection.ts';

/** Where a server of a cluster is. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
}

/**
 * A client for a channel. In a cluster every node passes on what is published on any of them, so it is a plain connection
 * to one, and to the next of those known after each failure. ioredis has one of its own in a cluster's client, but nobody
 * can ask whether its peer is still there, it cannot do without INFO, and does not say when it has subscribed anew.
 * @param known nodes of the cluster that were found since the start
 */
export function connectSubscriber(
  config: RedisConfig,
  behaviour: RedisBehaviour,
  known: () => readonly RedisPlace[],
): Redis | Cluster {
  if (config.mode !== 'cluster') return connectRedis(config, behaviour);
  const places = (): readonly RedisPlace[] => [...config.nodes, ...known()];
  let turn = Math.floor(random() * config.nodes.length);
  const next = (): RedisPlace => {
    const all = places();
    return all[turn++ % all.length] ?? { host: '127.0.0.1', port: 6379 };
  };
  const { host, port } = next();
  const client: Redis = new Redis({
    ...settingsOf(behaviour),
    ...redisCredentials(config),
    host,
    port,
    enableOfflineQueue: false,
    retryStrategy: (attempt) => {
      const { host: nextHost, port: nextPort } = next();
      Object.assign(client.options, { host: nextHost, port: nextPort }); // read when it connects
      return behaviour.retryStrategy(attempt);
    },
  });
  return client;
}
