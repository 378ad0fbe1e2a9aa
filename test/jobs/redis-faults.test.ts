import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/primary/jobs/job.ts';
import type { RedisConfig } from '../../src/shared/config/types.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { startRedis } from '../support/redis.ts';
import { quietFor, until } from '../support/wait.ts';
import { done, redisAt, SELDOM, startNode, testJob } from './test-jobs.ts';

const LONG_MS = 40_000;

/** Two nodes with a job of every second. */
async function startTwo(redis: RedisConfig, own: Partial<Job> = {}) {
  const slots: number[] = [];
  const job = testJob({
    run: ({ slotMs }) => {
      slots.push(slotMs);
      return Promise.resolve(done);
    },
    ...own,
  });
  const a = startNode(redis, [job], { node: 'a' });
  const b = startNode(redis, [job], { node: 'b' });
  return {
    slots,
    /** So many more runs from now on. */
    more: (runs: number): Promise<number> => {
      const wanted = slots.length + runs;
      return until(() => slots.length >= wanted, { withinMs: LONG_MS, describe: () => slots });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
    },
  };
}

const expectNoDoubles = (slots: readonly number[]): void => expect(slots).toEqual([...new Set(slots)]);

describe('schedules are there again', () => {
  test('after FLUSHDB, and no slot has two runs', async () => {
    await using redis = await startRedis();
    await using nodes = await startTwo(redisAt(redis.port));
    for (let i = 0; i < 3; i++) {
      await nodes.more(2);
      await redis.client.flushdb();
    }
    await nodes.more(3);
    expectNoDoubles(nodes.slots);
  });

  test('after evictions', async () => {
    await using redis = await startRedis();
    await using nodes = await startTwo(redisAt(redis.port));
    await nodes.more(2);
    await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const evicted = async () => Number(/evicted_keys:(\d+)/.exec(await redis.client.info('stats'))?.[1]);
    for (let round = 0; round < 3; round++) {
      await redis.client.config('SET', 'maxmemory', '4mb');
      const fill = redis.client.pipeline();
      for (let i = 0; i < 4_000; i++) fill.set(`filler:${round}:${i}`, 'x'.repeat(900));
      await fill.exec();
      await nodes.more(2);
    }
    expect(await evicted()).toBeGreaterThan(100);
  });

  test.each(['repeat', 'delayed', 'meta', 'repeat:test-job'])('when only %s is lost', async (part) => {
    await using redis = await startRedis();
    await using nodes = await startTwo(redisAt(redis.port));
    await nodes.more(1);
    await redis.client.del(`api-gateway:{jobs}:test-job:${part}`);
    await nodes.more(3);
  });

  test('when the run that is due next is lost', async () => {
    await using redis = await startRedis();
    await using node = startNode(redisAt(redis.port), [testJob({ pattern: SELDOM })]);
    const next = async () => redis.client.keys('api-gateway:{jobs}:test-job:repeat:test-job:*');
    await until(async () => (await next()).length === 1);
    const [key = ''] = await next();
    await redis.client.del(key);
    await until(async () => (await next()).length === 1);
    expect(await redis.client.zcard('api-gateway:{jobs}:test-job:delayed')).toBe(1);
    expect(node.jobs.list()).toHaveLength(1);
  });

  test('after a restart of Redis that kept nothing', async () => {
    await using redis = await startRedis();
    await using nodes = await startTwo(redisAt(redis.port));
    await nodes.more(2);
    redis.kill('SIGKILL');
    await quietFor(1_500, 'a slot goes by without Redis');
    await redis.restart();
    await nodes.more(3);
    expectNoDoubles(nodes.slots);
  });

  test('after a failover that Sentinel makes', async () => {
    await using sentinel = await startSentinel();
    const config: RedisConfig = {
      ...redisAt(sentinel.port),
      mode: 'sentinel',
      sentinelMaster: 'main',
    };
    await using nodes = await startTwo(config);
    await nodes.more(2);
    await sentinel.caughtUp();
    sentinel.primary.kill('SIGKILL');
    await nodes.more(3);
  });

  test('in a cluster, one run a slot', async () => {
    await using cluster = await startCluster();
    const [first] = cluster.addresses;
    await using nodes = await startTwo({ ...redisAt(first?.port ?? 0), mode: 'cluster', nodes: cluster.addresses });
    await nodes.more(4);
    expectNoDoubles(nodes.slots);
  });
});

test('a schedule that is another takes the place of the one before', async () => {
  await using redis = await startRedis();
  const before = startNode(redisAt(redis.port), [testJob({ pattern: SELDOM })]);
  await until(async () => (await redis.client.zcard('api-gateway:{jobs}:test-job:repeat')) === 1);
  await before.jobs.close(2_000);
  await using after = startNode(redisAt(redis.port), [testJob()]);
  await until(() => after.jobs.counts.of('test-job').succeeded >= 1);
});

test('a job that cannot run when the node starts is looked at again within seconds', async () => {
  await using redis = await startRedis();
  let looks = 0;
  const job = testJob({ ability: () => Promise.resolve(looks++ === 0 ? 'unable' : 'able') });
  await using node = startNode(redisAt(redis.port), [job], { renewEveryMs: 60_000 });
  await until(() => node.jobs.counts.of('test-job').succeeded > 0, { withinMs: 15_000 });
  expect(node.jobs.list()[0]?.ability).toBe('able');
});

test('a stand-in takes a run only after it has waited for somebody who is able', async () => {
  await using redis = await startRedis();
  const begun: number[] = [];
  const job = testJob({
    ability: () => Promise.resolve('stand-in'),
    run: ({ slotMs }) => {
      begun.push(Date.now() - slotMs);
      return Promise.resolve(done);
    },
  });
  await using _ = startNode(redisAt(redis.port), [job], { standInAfterMs: 3_000 });
  await until(() => begun.length >= 2);
  for (const waitedMs of begun) expect(waitedMs).toBeGreaterThanOrEqual(3_000);
});

test('another password is shown by all connections, those that wait included', async () => {
  await using redis = await startRedis(['--requirepass', 'old']);
  const runs: number[] = [];
  const job = testJob({ run: ({ slotMs }) => (runs.push(slotMs), Promise.resolve(done)) });
  await using node = startNode({ ...redisAt(redis.port), password: 'old' }, [job]);
  await until(() => runs.length >= 1);
  node.connections?.renewLogin({ ...redisAt(redis.port), password: 'new' });
  await redis.client.config('SET', 'requirepass', 'new');
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  const before = runs.length;
  await until(() => runs.length >= before + 2);
});
