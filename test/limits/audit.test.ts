import { describe, expect, test } from 'vitest';
import { plainBucketKey } from '../../src/shared/redis/keys.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { quietFor } from '../support/wait.ts';
import { hammer } from './hammering.ts';
import type { HammerResult } from './hammering.ts';

/* Limits on a saturated machine: the load runs on the same cores as Redis and the limiters. */

/** A bucket takes two seconds to fill: one without offers is seen before anything is lost. */
const CAPACITY = 800;
const RATE = 400;
const MOST_VOID = 10;
/** For runs that are done again; one takes about fifteen seconds. */
const PATIENCE_MS = 400_000;

const THREADS = 2;

interface Audit {
  readonly redis: TestRedis;
  readonly processes: number;
  /** Of a proxy before it. */
  readonly port?: number;
  readonly seconds: number;
  readonly during?: () => Promise<void>;
  /** Every connection breaks in between, which Redis cannot count: it counts from its start. */
  readonly restarts?: boolean;
}

async function connectionsTo(redis: TestRedis): Promise<number> {
  const stats = await redis.client.info('stats');
  return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
}

const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * All that can have been granted since then: a full bucket, and what flowed in, less what is there now. Below zero is
 * what was granted without Redis and is paid back: the hash then holds the time at which it will be zero.
 */
async function allowed({ client }: TestRedis, sinceMs: number): Promise<number> {
  const [tokens, updatedMs] = await client.hmget(plainBucketKey('hammered', ''), 'tokens', 'updated_ms');
  const [seconds, microseconds] = await client.time();
  const nowMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  const level = Math.min(CAPACITY, Number(tokens) + ((nowMs - Number(updatedMs)) * RATE) / 1_000);
  return CAPACITY + (RATE * (machineMs() - sinceMs)) / 1_000 - level;
}

/**
 * A run in which some process offered less than twice its share in a second, or in which a connection was given up,
 * proves nothing and is done again: the machine had no time for it. The upper bound holds on any machine.
 */
async function audit({ redis, processes, port = redis.port, seconds, during, restarts }: Audit): Promise<HammerResult> {
  for (let i = 0; i < MOST_VOID; i++) {
    await redis.client.flushall();
    const before = await connectionsTo(redis);
    const plan = {
      connection: { port, host: '127.0.0.1' },
      threads: THREADS,
      seconds,
      capacity: CAPACITY,
      rate: RATE,
      skewsMs: Array.from({ length: processes }, (_, n) => n * 1_000),
      isLocal: true,
    };
    const result = await hammer(plan, during);
    const most = await allowed(redis, result.startMs);
    const isWhole = (await connectionsTo(redis)) - before <= processes * THREADS;
    // What was under way when a connection broke counts as run and is forgiven: a bucket at most.
    expect(result.granted).toBeLessThanOrEqual(isWhole && restarts !== true ? most : most + CAPACITY);
    if (result.leastOffered >= (2 * RATE) / processes && isWhole) return result;
  }
  throw new Error(`every one of ${MOST_VOID} runs was void: this machine has no time for the load`);
}

const expectAll = ({ granted, innerSeconds }: HammerResult, lost = 0): void =>
  expect(granted).toBeGreaterThanOrEqual(0.97 * (CAPACITY + RATE * innerSeconds) - lost);

/** Stops Redis for a second in every five, so often. */
async function stops(redis: TestRedis, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await quietFor(2_000, 'the load runs with Redis');
    redis.kill('SIGSTOP');
    await quietFor(1_000, 'and without');
    redis.kill('SIGCONT');
    await quietFor(2_000, 'and with it');
  }
}

describe('a saturated machine: all of the limit, and no request more', () => {
  test.each([2, 4])(
    '%i processes',
    async (processes) => {
      await using redis = await startRedis();
      expectAll(await audit({ redis, processes, seconds: 6 }));
    },
    PATIENCE_MS,
  );

  test.each([2, 4])(
    '%i processes, Redis stopped for a second in every five',
    async (processes) => {
      await using redis = await startRedis();
      const during = (): Promise<void> => stops(redis, 2);
      expectAll(await audit({ redis, processes, seconds: 11, during }));
    },
    PATIENCE_MS,
  );

  test(
    '2 processes, Redis 15 ms away',
    async () => {
      await using redis = await startRedis();
      await using proxy = await startTcpProxy(redis.port);
      proxy.delay(7.5);
      expectAll(await audit({ redis, processes: 2, port: proxy.port, seconds: 6 }));
    },
    PATIENCE_MS,
  );

  test(
    '2 processes, Redis killed and started again',
    async () => {
      await using redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
      const during = async (): Promise<void> => {
        await quietFor(2_000, 'the load runs');
        await redis.restart();
      };
      // What was under way counts as run: a bucket at most, if Redis ended between charging and answering.
      expectAll(await audit({ redis, processes: 2, seconds: 6, during, restarts: true }), CAPACITY);
    },
    PATIENCE_MS,
  );
});
