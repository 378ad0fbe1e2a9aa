import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { monotonicMs, random } from '../../src/shared/clock.ts';
import type { Decision } from '../../src/shared/limits/decision.ts';
import { THREAD } from '../../src/shared/metrics/layout.ts';
import { DecisionTimeout } from '../../src/workers/gateway/limits/decision-timeout.ts';
import { laneSpec, openLimiter } from './open-limiter.ts';
import type { OpenLimiter } from './open-limiter.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { openRedisStore, redisStore } from './stores.ts';
import { eventually, until, stopwatch } from '../support/wait.ts';

const TIMEOUT_MS = 100;
/** What a busy machine adds: the decision itself is made at the deadline. Redis is away for longer than both. */
const MARGIN_MS = 900;
const BACK_WITHIN_MS = 1_000;

const local = '127.0.0.1';

/** Asks until the store decides again. @returns served milliseconds that took (support/wait.ts) */
const untilStoreDecides = (asked: OpenLimiter): Promise<number> =>
  until(async () => (await asked.ask('client')).decision.mode === 'store');

const inMs = (ms: number): (() => boolean) => {
  const endMs = monotonicMs() + ms;
  return () => monotonicMs() >= endMs;
};

describe('Redis in trouble', () => {
  test('kill -9: decided at once without it, and with it again within a second of its return', async () => {
    await using redis = await startRedis();
    const opened = await openRedisStore({ port: redis.port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    expect((await asked.ask('client')).decision.mode).toBe('store');
    redis.kill('SIGKILL');
    const { slowestMs, modes } = await asked.askUntil(inMs(1_500));
    expect(slowestMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    expect(modes['local']).toBeGreaterThan(10);
    await redis.restart();
    expect(await untilStoreDecides(asked)).toBeLessThan(BACK_WITHIN_MS);
    // While down it is said again for another reason: closed, then refused.
    const kinds = opened.changes.map((state) => state.kind);
    expect(kinds.filter((kind, i) => kind !== kinds[i - 1])).toEqual(['up', 'down', 'up']);
    await asked.limiter.close();
  });

  test('SIGSTOP: three deadlines, then no wait at all; nothing is charged twice', async () => {
    await using redis = await startRedis();
    const opened = await openRedisStore({ port: redis.port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    await asked.ask('client');
    redis.kill('SIGSTOP');
    const { slowestMs } = await asked.askUntil(() => opened.changes.length > 1);
    expect(slowestMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    expect(opened.counted.at(THREAD.redisTimeouts)).toBe(3);
    const skipped = await asked.askUntil(inMs(1_500));
    expect(skipped.modes).toEqual({ local: expect.any(Number) });
    // Nobody waited: nothing but probes was sent, and none of what was asked ended by its deadline.
    expect(opened.counted.at(THREAD.redisTimeouts)).toBe(3);
    expect(skipped.modes['local']).toBeGreaterThan(20);
    redis.kill('SIGCONT');
    expect(await untilStoreDecides(asked)).toBeLessThan(BACK_WITHIN_MS);
    const granted = asked.counted.decisions('store').granted + asked.counted.decisions('local').granted;
    const charged = async (): Promise<number> =>
      1_000_000 - Number(await redis.client.hget('api-gateway:rate-limit:client', 'tokens'));
    // What was granted without Redis was a debt. Late scripts ran once or never: the three that timed out.
    expect(await charged()).toBeGreaterThan(granted - 10);
    expect(await charged()).toBeLessThanOrEqual(granted + 3);
    await asked.limiter.close();
  });

  test('a connection that went dead silently: a new one is made within two seconds', async () => {
    await using redis = await startRedis();
    const pairs: Socket[][] = [];
    const proxy = createServer((client) => {
      const server = connect(redis.port, local);
      client.pipe(server).pipe(client);
      for (const socket of [client, server]) socket.on('error', () => {});
      pairs.push([client, server]);
    }).listen(0, local);
    await once(proxy, 'listening');
    const opened = await openRedisStore({ port: (proxy.address() as AddressInfo).port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    await asked.ask('client');
    for (const [client, server] of pairs) {
      client?.unpipe();
      server?.unpipe();
    }
    using watch = stopwatch();
    const { slowestMs } = await asked.askUntil(() => opened.changes.length > 2 || watch.ms() > 5_000);
    expect(slowestMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    expect(watch.ms()).toBeLessThan(3 * TIMEOUT_MS + 2 * BACK_WITHIN_MS);
    await asked.limiter.close();
    for (const socket of pairs.flat()) socket.destroy();
    proxy.close();
  });

  test('DEBUG SLEEP: the same for a Redis that is only slow', async () => {
    await using redis = await startRedis();
    const opened = await openRedisStore({ port: redis.port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    await asked.ask('client');
    let awake = false;
    const sleeping = redis.client.call('DEBUG', 'SLEEP', '2').finally(() => (awake = true));
    const { slowestMs, modes } = await asked.askUntil(() => awake);
    expect(slowestMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    expect(modes['local']).toBeGreaterThan(20);
    await sleeping;
    expect(await untilStoreDecides(asked)).toBeLessThan(BACK_WITHIN_MS);
    await asked.limiter.close();
  });

  test('always slower than a decision may wait: skipped, with the reason', async () => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy(redis.port);
    proxy.delay(60);
    const timeout = new DecisionTimeout({ clock: monotonicMs, startMs: 50, maxMs: 100 });
    const opened = redisStore({ port: proxy.port, host: local }, { timeout });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    const reason = (): string => (opened.store.state.kind === 'down' ? opened.store.state.reason : 'up');
    await until(() => /answers after \d+ ms, later than/.test(reason()), { describe: reason });
    const { modes } = await asked.askUntil(inMs(500));
    expect(modes).toEqual({ local: expect.any(Number) });
    proxy.delay(0);
    await untilStoreDecides(asked);
    await asked.limiter.close();
  });

  test('FLUSHALL and SCRIPT FLUSH: the same request loads the script again', async () => {
    await using redis = await startRedis();
    const opened = await openRedisStore({ port: redis.port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: 500 });
    await asked.ask('client');
    const before = opened.counted.at(THREAD.redisScriptLoads);
    await redis.client.flushall();
    await redis.client.script('FLUSH');
    const { decision } = await asked.ask('client');
    expect(decision).toMatchObject({ mode: 'store', outcome: 'granted', remaining: 999_999 });
    expect(opened.counted.at(THREAD.redisScriptLoads)).toBe(before + 1);
    expect(opened.changes.map((state) => state.kind)).toEqual(['up']);
    await asked.limiter.close();
  });

  test('wrong password: decided without it; right again, it is used within a second', async () => {
    await using redis = await startRedis(['--requirepass', 'right']);
    const opened = redisStore({ port: redis.port, host: local, password: 'wrong' });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    const { slowestMs, modes } = await asked.askUntil(inMs(400));
    expect(slowestMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    expect(modes).toEqual({ local: expect.any(Number) });
    expect(opened.store.state).toMatchObject({ kind: 'down', reason: expect.stringContaining('WRONGPASS') });
    await redis.client.config('SET', 'requirepass', 'wrong');
    expect(await untilStoreDecides(asked)).toBeLessThan(BACK_WITHIN_MS);
    await asked.limiter.close();
  });

  test('full: it goes on deciding for the clients it knows, and gets no buckets for others, which share one by address', async () => {
    await using redis = await startRedis(['--maxmemory-policy', 'noeviction']);
    const opened = await openRedisStore({ port: redis.port, host: local });
    const noRoom = new Set<string>();
    const asked = openLimiter(opened.store, { timeoutMs: 5_000, onNoRoom: (where) => noRoom.add(where) });
    const spec = laneSpec({ capacity: 10, refillPerSecond: 0.001 });
    const clients = Array.from({ length: 20 }, (_, i) => `client${i}`);
    for (const client of clients) await asked.ask(client, spec);
    await redis.client.config('SET', 'maxmemory', '1mb');
    await expect(redis.client.set('big', 'x'.repeat(2_000_000))).rejects.toThrow('OOM');
    for (const client of clients) {
      expect((await asked.ask(client, spec)).decision).toMatchObject({ mode: 'store', remaining: 8 });
    }
    const made: Decision[] = [];
    for (let i = 0; i < 50; i++) made.push((await asked.ask(`made-up${i}`, spec)).decision);
    expect(made.filter(({ outcome }) => outcome === 'granted')).toHaveLength(10);
    expect(made.every(({ mode }) => mode === 'local')).toBe(true);
    expect(await redis.client.dbsize()).toBe(20);
    expect([[...noRoom], asked.counted.at(THREAD.redisErrors)]).toEqual([['redis'], 0]);
    await redis.client.config('SET', 'maxmemory', '0');
    await eventually(async () => {
      const { decision } = await asked.ask(`later${random()}`, spec);
      return decision.mode === 'store' && decision.remaining === 9;
    }, 'there is room again');
    await asked.limiter.close();
  });

  test('not to be found: no request waits', async () => {
    const opened = redisStore({ host: 'redis.invalid', port: 6379 });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    const { slowestMs, modes } = await asked.askUntil(() => opened.changes.length > 0);
    expect(opened.changes).toMatchObject([{ kind: 'down', reason: expect.stringContaining('redis.invalid') }]);
    expect(modes).toEqual({ local: expect.any(Number) });
    expect(slowestMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    await asked.limiter.close();
  });

  test('a read-only Redis refuses, and its errors are failures like any other', async () => {
    await using redis = await startRedis(['--replicaof', `${local} 1`]);
    const opened = redisStore({ port: redis.port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    const { modes } = await asked.askUntil(inMs(300));
    expect(modes).toEqual({ local: expect.any(Number) });
    await redis.client.call('REPLICAOF', 'NO', 'ONE');
    expect(await untilStoreDecides(asked)).toBeLessThan(BACK_WITHIN_MS);
    await asked.limiter.close();
  });

  test('a bucket set by hand to -1 or nan: everybody who waits has an answer, and the batch is not failed', async () => {
    await using redis = await startRedis();
    const opened = await openRedisStore({ port: redis.port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: 2_000 });
    const spec = laneSpec({ capacity: 10, refillPerSecond: 0.001 });
    for (const [tokens, granted] of [
      ['-1', 0],
      ['nan', 10],
      ['-inf', 10],
    ] as const) {
      await redis.client.del('api-gateway:rate-limit:client');
      await asked.ask('client', spec);
      await redis.client.hset('api-gateway:rate-limit:client', 'tokens', tokens);
      const waiting = Array.from({ length: 40 }, (_, i) => asked.ask(i % 2 === 0 ? 'client' : `other-${tokens}`, spec));
      const decisions = (await Promise.all(waiting)).map(({ decision }) => decision);
      const passed = decisions.filter(({ outcome }, i) => i % 2 === 0 && outcome === 'granted');
      expect(passed).toHaveLength(granted);
      expect(decisions.filter(({ outcome }, i) => i % 2 === 1 && outcome === 'granted')).toHaveLength(10);
      expect(decisions.every(({ remaining }) => remaining >= 0)).toBe(true);
      asked.limiter.forget('client');
    }
    expect(opened.counted.at(THREAD.damagedBuckets)).toBe(2);
    await asked.limiter.close();
  });

  test('DEL of a refused client frees it within a second', async () => {
    await using redis = await startRedis();
    const opened = await openRedisStore({ port: redis.port, host: local });
    const asked = openLimiter(opened.store, { timeoutMs: 500 });
    const spec = laneSpec({ capacity: 2, refillPerSecond: 0.001 });
    for (let i = 0; i < 3; i++) await asked.ask('client', spec);
    expect((await asked.ask('client', spec)).decision).toMatchObject({ outcome: 'refused', mode: 'cache' });
    await redis.client.del('api-gateway:rate-limit:client');
    const isFree = async () => (await asked.ask('client', spec)).decision.outcome === 'granted';
    await until(isFree, { withinMs: 1_100 });
    await asked.limiter.close();
  });
});
