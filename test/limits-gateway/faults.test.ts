import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { eventually } from '../support/wait.ts';
import { bucketKey, healthOf, startLimited, untilHealth } from './setup.ts';
import type { Limited } from './setup.ts';
import { get } from '../support/requests.ts';
import { expectPrompt, startSteadyLoad } from './steady-load.ts';
import type { Sample, SteadyLoad } from './steady-load.ts';

/** RATE_LIMIT_TIMEOUT_MILLISECONDS of this run: long enough that a busy Redis that is well meets it. */
const TIMEOUT_MS = 300;
const BACK_WITHIN_MS = 1_500;
const NAME = 'drill';
const WORKERS = 2;

const isLost = (line: Readonly<Record<string, unknown>>): boolean =>
  String(line['msg']).startsWith('rate limits: Redis is not asked');
const isBack = (line: Readonly<Record<string, unknown>>): boolean =>
  String(line['msg']).startsWith('rate limits: Redis answers');

describe('a gateway under a steady load, mode local, while Redis', () => {
  let redis: TestRedis;
  let limited: Limited;
  let load: SteadyLoad;
  let normal: readonly Sample[];

  beforeAll(async () => {
    redis = await startRedis();
    limited = await startLimited({
      redis,
      env: {
        NODE_NAME: NAME,
        WORKERS: String(WORKERS),
        RATE_LIMIT_CAPACITY: '1000000',
        RATE_LIMIT_TIMEOUT_MILLISECONDS: String(TIMEOUT_MS),
      },
    });
    load = startSteadyLoad({ ports: [limited.port] });
    normal = await load.during(800);
    await untilHealth(limited.port, 'ok');
  });
  afterAll(async () => {
    await load.stop();
    await limited[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  const logged = (takes: typeof isLost): number => limited.gateway.log.filter(takes).length;
  const said = (): string[] =>
    limited.gateway.log.flatMap((line) => (isLost(line) ? ['lost'] : isBack(line) ? ['back'] : []));
  /** Once for all threads, also where a busy machine makes Redis seem gone now and then: never the same twice in a row. */
  const expectSaidInTurn = (): void => expect(said().filter((word, i, all) => word === all[i - 1])).toEqual([]);

  const expectUnharmed = (samples: readonly Sample[]): void => expectPrompt(samples, { normal, timeoutMs: TIMEOUT_MS });

  const lost = (before: number) => eventually(() => logged(isLost) > before, 'it is said that Redis is not asked');

  async function back(backBefore: number): Promise<void> {
    expect(await untilHealth(limited.port, 'ok')).toBeLessThan(BACK_WITHIN_MS);
    const isSaid = (): boolean => logged(isBack) > backBefore && said().at(-1) === 'back';
    await eventually(isSaid, 'it is said that Redis answers');
    expectSaidInTurn();
  }

  test('is killed with -9, stays away, and comes back', async () => {
    const [lostBefore, backBefore] = [logged(isLost), logged(isBack)];
    redis.kill('SIGKILL');
    expectUnharmed(
      await load.while(async () => {
        await lost(lostBefore);
        await load.during(1_200);
      }),
    );
    const health = await healthOf(limited.port);
    expect(health.status).toBe('degraded');
    expect(health.reasons?.join()).toMatch(/rate limits: Redis is not asked \(.+\)/);
    expectSaidInTurn();
    await redis.restart();
    await back(backBefore);
  });

  test('hangs for 5 s (SIGSTOP)', async () => {
    const [lostBefore, backBefore] = [logged(isLost), logged(isBack)];
    redis.kill('SIGSTOP');
    try {
      expectUnharmed(await load.during(5_000));
      expect((await healthOf(limited.port)).status).toBe('degraded');
      expect(logged(isLost)).toBeGreaterThan(lostBefore);
      expectSaidInTurn();
    } finally {
      redis.kill('SIGCONT');
    }
    await back(backBefore);
  });

  test('sleeps for two seconds (DEBUG SLEEP)', async () => {
    expectUnharmed(
      await load.while(async () => {
        await redis.client.call('DEBUG', 'SLEEP', '2');
      }),
    );
    await untilHealth(limited.port, 'ok');
  });

  test('is restarted at once, and has lost everything', async () => {
    expectUnharmed(
      await load.while(async () => {
        await redis.restart();
        await load.during(300);
      }),
    );
    await untilHealth(limited.port, 'ok');
    await eventually(async () => (await redis.client.exists(bucketKey('127.0.0.1'))) === 1, 'the bucket is there');
  });

  test('is read-only for a while, as the old primary after a failover: the bucket is as it was', async () => {
    const backBefore = logged(isBack);
    await get(limited.port);
    await redis.client.call('REPLICAOF', '127.0.0.1', '1');
    expectUnharmed(
      await load.while(async () => {
        await untilHealth(limited.port, 'degraded');
        await load.during(500);
      }),
    );
    await redis.client.call('REPLICAOF', 'NO', 'ONE');
    await back(backBefore);
    expectUnharmed(await load.during(200));
    const bucket = await redis.client.hgetall(bucketKey('127.0.0.1'));
    expect(bucket).toMatchObject({ capacity: '1000000', rate: '100' });
    expect(Number(bucket['tokens'])).toBeGreaterThan(900_000);
    expect(await redis.client.keys('*probe*')).toEqual([]);
  });

  test('is flushed, and forgets the script', async () => {
    const lostBefore = logged(isLost);
    const samples = await load.while(async () => {
      await redis.client.flushall();
      await redis.client.script('FLUSH');
      await eventually(async () => (await redis.client.exists(bucketKey('127.0.0.1'))) === 1, 'the bucket is there');
    });
    expect(samples.filter(({ status }) => status !== 200)).toEqual([]);
    await redis.client.del(`api-gateway:node:${NAME}`, 'api-gateway:nodes');
    await eventually(async () => (await redis.client.exists(`api-gateway:node:${NAME}`)) === 1, 'the node is there');
    expect(logged(isLost)).toBe(lostBefore);
  });

  test('is full', async () => {
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.client.config('SET', 'maxmemory', '1mb');
    await expect(redis.client.set('big', 'x'.repeat(2_000_000))).rejects.toThrow('OOM');
    const lostBefore = logged(isLost);
    await redis.client.del(`api-gateway:node:${NAME}`);
    expectUnharmed(await load.during(500));
    expect(await redis.client.exists(bucketKey('127.0.0.1'))).toBe(1);
    // Who has no bucket gets none: this process counts for its address.
    await redis.client.del(bucketKey('127.0.0.1'));
    expectUnharmed(await load.during(300));
    expect(await redis.client.exists(bucketKey('127.0.0.1'))).toBe(0);
    await untilHealth(limited.port, 'degraded');
    expect((await healthOf(limited.port)).reasons?.join()).toContain('maxmemory');
    expect((await get(limited.port)).headers['x-ratelimit-limit']).toBe('1000000');
    expect(logged(isLost)).toBe(lostBefore);
    await eventually(async () => (await redis.client.exists(`api-gateway:node:${NAME}`)) === 1, 'the node is there');
    await redis.client.config('SET', 'maxmemory', '0');
  });
});

test('a wrong password at the start: the gateway serves, says why, and is well when the password is right', async () => {
  await using redis = await startRedis(['--requirepass', 'right']);
  const env = { REDIS_PASSWORD: 'wrong', RATE_LIMIT_CAPACITY: '1000000', WORKERS: '2' };
  await using limited = await startLimited({ redis, env });
  await using load = startSteadyLoad({ ports: [limited.port] });
  const normal = await load.during(300);
  await limited.gateway.waitForLog((line) => isLost(line) && String(line['reason']).includes('WRONGPASS'));
  expectPrompt(await load.during(500), { normal, timeoutMs: TIMEOUT_MS });
  const health = await healthOf(limited.port);
  expect([health.status, health.reasons?.join()]).toEqual(['degraded', expect.stringContaining('WRONGPASS')]);
  await redis.client.config('SET', 'requirepass', 'wrong');
  expect(await untilHealth(limited.port, 'ok')).toBeLessThan(BACK_WITHIN_MS);
  expect(JSON.stringify(limited.gateway.log)).not.toContain('"wrong"');
});

test('a Redis that refuses connections from the start, and comes later', async () => {
  await using redis = await startRedis();
  redis.kill('SIGKILL');
  await using limited = await startLimited({ redis, env: { RATE_LIMIT_CAPACITY: '5', WORKERS: '2' } });
  expect((await get(limited.port)).status).toBe(200);
  expect((await healthOf(limited.port)).status).toBe('degraded');
  await eventually(() => limited.gateway.log.filter(isLost).length === 1, 'it is said once');
  await redis.restart();
  expect(await untilHealth(limited.port, 'ok')).toBeLessThan(BACK_WITHIN_MS);
});
