import { Cluster } from 'ioredis';
import type { ClusterNode } from 'ioredis';
import { afterAll, beforeAll, describe } from 'vitest';
import { monotonicMs } from '../../src/shared/clock.ts';
import { createBucketMemory } from '../../src/shared/limits/bucket-memory.ts';
import { SharedMemoryStore } from '../../src/shared/limits/shared-memory-store.ts';
import { storeContract } from '../../src/shared/limits/store.contract.ts';
import type { ContractSubject } from '../../src/shared/limits/store.contract.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis.ts';
import { openClusterStore, openRedisStore } from './stores.ts';

interface Opened extends ContractSubject {
  close(): Promise<void>;
}

const stores: readonly [string, () => Promise<Opened>][] = [
  [
    'shared memory',
    async () => {
      const store = new SharedMemoryStore(createBucketMemory(), { owner: 1, clock: monotonicMs });
      return {
        store,
        clock: monotonicMs,
        reset: async (client) => void store.reset(client, ''),
        close: async () => {},
      };
    },
  ],
  [
    'redis',
    async () => {
      const redis = await startRedis();
      const opened = await openRedisStore({ port: redis.port, host: '127.0.0.1' });
      return {
        store: opened.store,
        clock: monotonicMs,
        reset: async (client) => void (await redis.client.del(`api-gateway:rate-limit:${client}`)),
        close: async () => {
          opened.store.close();
          await redis[Symbol.asyncDispose]();
        },
      };
    },
  ],
  [
    'redis cluster',
    async () => {
      const cluster = await startCluster();
      const opened = await openClusterStore({ nodes: cluster.addresses.slice(0, 1) });
      const client = new Cluster([...cluster.addresses] as ClusterNode[]);
      return {
        store: opened.store,
        clock: monotonicMs,
        reset: async (name) => void (await client.del(`api-gateway:rate-limit:{${name}}`)),
        close: async () => {
          opened.store.close();
          client.disconnect();
          await cluster[Symbol.asyncDispose]();
        },
      };
    },
  ],
];

describe.each(stores)('limit store: %s', (_name, open) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());
  storeContract(() => opened);
});
