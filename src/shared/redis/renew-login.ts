import type { Cluster, Redis } from 'ioredis';
import type { RedisConfig } from '../config/types.ts';
import { redisCredentials } from './connection.ts';

/** What new nodes of a cluster get: ioredis goes on making them with what the cluster was made with. */
const ofClusters = new WeakMap<Cluster, RedisConfig>();

/**
 * Another password, or other certificates: ioredis reads them at each handshake, so they are shown from the next one on.
 * Connections that are open stay so.
 */
export function renewLogin(client: Redis | Cluster, config: RedisConfig): void {
  if (!('nodes' in client)) return setLogin(client, config);
  const known = ofClusters.has(client);
  ofClusters.set(client, config);
  // It is told of a node before the node is connected.
  if (!known) client.on('+node', (node: Redis) => setLogin(node, ofClusters.get(client) ?? config));
  for (const node of client.nodes()) setLogin(node, config);
}

function setLogin({ options }: Redis, config: RedisConfig): void {
  const { username = null, password = null, tls } = redisCredentials(config);
  Object.assign(options, { username, password }, tls === undefined ? {} : { tls });
  if (config.mode !== 'sentinel') return;
  const { sentinelUsername = null, sentinelPassword = null } = config;
  Object.assign(options, { sentinelUsername, sentinelPassword }, tls === undefined ? {} : { sentinelTLS: tls });
}
