import { expect, test } from 'vitest';
import type { RedisConfig } from '../../src/shared/config/types.ts';
import { connectRedis } from '../../src/shared/redis/connect.ts';
import { METRICS_REDIS_OPTIONS, RedisMemory } from '../../src/primary/metrics/redis-memory.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { redisConfig } from '../support/redis-config.ts';
import { startRedis } from '../support/redis.ts';
import { eventually, stopwatch } from '../support/wait.ts';

/** A clock on which the next question is always due. */
function everLater(): () => number {
  let nowMs = 0;
  return () => (nowMs += 1_000);
}

const configOf = (mode: RedisConfig['mode'], nodes: RedisConfig['nodes']): RedisConfig =>
  redisConfig({ url: 'redis://test', mode, nodes });

const LIMIT = 32 * 1024 * 1024;

test('a cluster has one series for each primary, and one that is gone is down alone', async () => {
  await using cluster = await startCluster();
  for (const node of cluster.nodes) await node.client.config('SET', 'maxmemory', LIMIT);
  const client = connectRedis(configOf('cluster', cluster.addresses), METRICS_REDIS_OPTIONS);
  const memory = new RedisMemory(client, everLater());
  try {
    const upOf = (): Record<string, boolean> =>
      Object.fromEntries(memory.nodes.map(({ node, up }) => [node ?? '', up] as const));
    await eventually(async () => {
      await memory.refresh();
      return memory.nodes.filter(({ up }) => up).length === 3;
    }, 'all three answer');
    const names = cluster.addresses.map(({ host, port }) => `${host}:${port}`);
    expect(Object.keys(upOf()).sort()).toEqual([...names].sort());
    for (const { usedBytes, maxBytes } of memory.nodes) {
      expect(maxBytes).toBe(LIMIT);
      expect(usedBytes).toBeGreaterThan(100_000);
    }

    process.kill(cluster.nodes[1]?.pid ?? 0, 'SIGSTOP');
    try {
      using watch = stopwatch();
      await memory.refresh();
      expect(watch.ms()).toBeLessThan(1_500); // the limit is 500 ms
      expect(upOf()).toMatchObject({ [names[0] ?? '']: true, [names[1] ?? '']: false, [names[2] ?? '']: true });
    } finally {
      process.kill(cluster.nodes[1]?.pid ?? 0, 'SIGCONT');
    }
  } finally {
    client.disconnect();
  }
});

test('is asked at most once a second, however many scrapes there are', async () => {
  await using redis = await startRedis();
  let nowMs = 0;
  const config = configOf('standalone', [{ host: '127.0.0.1', port: redis.port }]);
  const client = connectRedis(config, METRICS_REDIS_OPTIONS);
  const memory = new RedisMemory(client, () => nowMs);
  try {
    await eventually(() => client.status === 'ready', 'connected');
    const asked = async (): Promise<number> =>
      Number(/cmdstat_info:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0);
    const before = await asked();
    await Promise.all([memory.refresh(), memory.refresh()]);
    nowMs += 999;
    await memory.refresh();
    // The question about the questions is itself one.
    expect((await asked()) - before).toBe(2);
    nowMs += 1;
    await memory.refresh();
    expect((await asked()) - before).toBe(4);
    expect(memory.nodes).toMatchObject([{ node: undefined, up: true }]);

    // A Redis that may not be asked that is up all the same.
    await redis.client.call('ACL', 'SETUSER', 'default', '-info');
    nowMs += 1_000;
    await memory.refresh();
    expect(memory.nodes).toEqual([{ node: undefined, up: true, usedBytes: undefined, maxBytes: undefined }]);
  } finally {
    client.disconnect();
  }
});
