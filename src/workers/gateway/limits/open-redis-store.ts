import type { RedisConfig } from '../../../shared/config/types.ts';
import type { LimitStore } from '../../../shared/limits/store.ts';
import { redisAddress, redisCredentials } from '../../../shared/redis/connection.ts';
import { ClusterStore } from './cluster-store.ts';
import { RedisStore } from './redis-store.ts';
import type { RedisStoreOptions } from './redis-store.ts';

/** A store on Redis. */
export interface SharedStore extends LimitStore {
  /** Shows this password and these certificates from the next handshake on; what is connected stays so. */
  renewLogin(config: RedisConfig): void;
  /** Somebody has reason to believe that Redis has gone: sees within seconds whether it has, also without requests. */
  doubt(): void;
}

/** The store that the configuration names. Imported only where there is one: a thread without Redis starts faster. */
export function openRedisStore(config: RedisConfig, options: RedisStoreOptions): SharedStore {
  if (config.mode !== 'cluster') return new RedisStore(redisAddress(config), options);
  return new ClusterStore({ nodes: config.nodes, redis: redisCredentials(config) }, options);
}
