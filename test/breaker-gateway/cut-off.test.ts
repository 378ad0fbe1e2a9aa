import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { BREAKER_KEY, seenAt, startNode, stopAll, untilSeen, untilShared } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';

let upstream: ScriptedUpstream;
let redis: TestRedis;
let proxy: TcpProxy;
/** Reaches Redis through the proxy. */
let away: Gateway;
let near: Gateway;

beforeAll(async () => {
  upstream = await scriptedUpstream();
  redis = await startRedis();
  proxy = await startTcpProxy(redis.port);
  const breaker = '{ failure_threshold: 2, reset_timeout_seconds: 2.5, half_open_success_threshold: 1 }';
  [near, away] = await Promise.all([
    startNode({ upstream, redis, breaker }),
    startNode({ upstream, redis: proxy, breaker }),
  ]);
  await Promise.all([near, away].map(untilShared));
});
beforeEach(async () => {
  proxy.mend();
  upstream.behaviour = 200;
  await eventually(async () => !(await health(away)).includes('circuit breakers'), '/health is well');
  await redis.client.del(BREAKER_KEY);
  await untilSeen([near, away], 'passed');
});
afterAll(async () => {
  await stopAll([near, away]);
  await proxy[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const health = async (node: Gateway): Promise<string> => (await get(node.port, '/health')).body;

const cutOff = async (): Promise<void> => {
  proxy.cut();
  await eventually(async () => (await health(away)).includes('circuit breakers'), '/health says why');
};

describe('a node cut off from Redis', () => {
  test('opens for itself alone; back again, a success elsewhere contradicts it and nobody else opens', async () => {
    await cutOff();
    upstream.behaviour = 500;
    expect(await statuses(away, 3)).toEqual([500, 500, 503]);
    upstream.behaviour = 200;
    expect(await statuses(near, 3)).toEqual([200, 200, 200]);
    proxy.mend();
    await eventually(async () => !(await health(away)).includes('circuit breakers'), '/health is well again');
    // It goes on refusing alone until its own time is over, while the others, who see the upstream well, go on.
    const seenNear = new Set<string>();
    await eventually(async () => {
      seenNear.add(await seenAt(near));
      return (await seenAt(away)) === 'passed';
    }, 'the node is back');
    expect([...seenNear]).toEqual(['passed']);
    expect(await redis.client.hget(BREAKER_KEY, 'api')).not.toBe('OPEN');
  });

  test('learns what it has missed: an opening', async () => {
    await cutOff();
    upstream.behaviour = 500;
    expect(await statuses(near, 3)).toEqual([500, 500, 503]);
    upstream.behaviour = 404;
    expect(await statuses(away, 2)).toEqual([404, 404]);
    proxy.mend();
    expect(await untilSeen([away], 'OPEN')).toBeLessThan(2_500);
  });

  test('learns what it has missed: a DEL', async () => {
    upstream.behaviour = 500;
    await statuses(near, 2);
    await untilSeen([near, away], 'OPEN');
    // So that time does not close it: both must have read that before the cut.
    await redis.client.hset(BREAKER_KEY, 'api:open_until', String(Date.now() + 60_000));
    const waitAt = async (node: Gateway): Promise<number> => Number((await get(node.port)).headers['retry-after']);
    for (const node of [near, away]) await eventually(async () => (await waitAt(node)) > 10, 'a long wait');
    await cutOff();
    await redis.client.del(BREAKER_KEY);
    upstream.behaviour = 200;
    await untilSeen([near], 'passed');
    expect(await seenAt(away)).toBe('OPEN');
    proxy.mend();
    expect(await untilSeen([away], 'passed')).toBeLessThan(2_500);
  });

  test('by packets that are dropped: requests do not notice', async () => {
    proxy.stall();
    using watch = stopwatch();
    upstream.behaviour = 500;
    expect(await statuses(away, 3)).toEqual([500, 500, 503]);
    expect(watch.ms()).toBeLessThan(2_000);
    upstream.behaviour = 200;
    await untilSeen([away], 'passed');
    proxy.mend();
    await eventually(async () => !(await health(away)).includes('circuit breakers'), '/health is well again');
    expect(await statuses(away, 2)).toEqual([200, 200]);
  });
});

test('a node that starts without its Redis says so, breaks for itself, and joins when Redis comes', async () => {
  proxy.cut();
  const breaker = '{ failure_threshold: 2, reset_timeout_seconds: 0.5, half_open_success_threshold: 1 }';
  await using late = await startNode({ upstream, redis: proxy, breaker });
  await eventually(async () => (await health(late)).includes('circuit breakers'), '/health says why');
  upstream.behaviour = 500;
  expect(await statuses(late, 3)).toEqual([500, 500, 503]);
  upstream.behaviour = 200;
  await untilSeen([late], 'passed');
  proxy.mend();
  await untilShared(late);
  await redis.client.hset(BREAKER_KEY, 'api', 'OPEN');
  expect(await untilSeen([late], 'OPEN')).toBeLessThan(2_500);
});
