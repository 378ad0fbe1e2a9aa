import * as bull from 'bullmq';
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BREAKER_REDIS_OPTIONS } from '../../src/primary/breaker/start-breaker.ts';
import { QueueSchedule } from '../../src/primary/jobs/queue-schedule.ts';
import { RedisConnections } from '../../src/primary/redis/redis-connections.ts';
import { createLog } from '../../src/shared/log.ts';
import { connectRedis } from '../../src/shared/redis/connect.ts';
import { startCluster } from '../support/redis-cluster.ts';
import type { TestCluster } from '../support/redis-cluster.ts';
import { redisConfig } from '../support/redis-config.ts';
import { eventually } from '../support/wait.ts';

const log = createLog({ level: 'silent', name: 'test' });

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

interface Opened extends Disposable {
  readonly connections: RedisConnections;
  /** In the order in which they were opened. */
  readonly clients: readonly (Redis | Cluster)[];
}

function open(): Opened {
  const clients: (Redis | Cluster)[] = [];
  const connections = new RedisConnections({
    config: redisConfig({ url: 'redis://a.test', nodes: cluster.addresses, mode: 'cluster' }),
    connect: (config, behaviour) => {
      const client = connectRedis(config, behaviour);
      clients.push(client);
      return client;
    },
    log,
    onProblems: () => {},
  });
  return { connections, clients, [Symbol.dispose]: () => connections.close() };
}

/** Has it disconnect while the next attempt looks up its nodes, as a late time-out of the breaker does. */
async function comesBack(client: Redis | Cluster): Promise<void> {
  await eventually(() => client.status === 'ready', 'it is connected');
  const seen: string[] = [];
  for (const status of ['connecting', 'disconnecting', 'ready']) client.on(status, () => seen.push(status));
  client.once('connecting', () => client.disconnect(true));
  client.disconnect(true);
  await eventually(() => seen.includes('ready'), 'it is connected again');
  expect(seen.slice(0, 3)).toEqual(['disconnecting', 'connecting', 'disconnecting']);
  expect(await client.ping()).toBe('PONG');
}

test('a connection to a cluster that ioredis has given up comes back', async () => {
  using opened = open();
  await comesBack(opened.connections.open('breakers', BREAKER_REDIS_OPTIONS));
});

test('so does the one that BullMQ makes like it, to wait for runs', async () => {
  using opened = open();
  const { connections, clients } = opened;
  const schedule = new QueueSchedule({
    bull,
    connections,
    jobs: [],
    node: 'one',
    listener: { onStart: () => {}, onRetry: () => {}, onEnd: () => Promise.resolve() },
    log,
    standInAfterMs: 60_000,
    renewEveryMs: 60_000,
  });
  try {
    const [, runs] = clients;
    if (!(runs instanceof Cluster)) throw new Error('no cluster was opened for runs');
    await comesBack(runs.duplicate());
  } finally {
    await schedule.end();
    await schedule.endByForce();
  }
});
