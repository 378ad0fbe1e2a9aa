import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually } from '../support/wait.ts';
import { BREAKER_KEY, startNodes, stopAll, untilSeen, untilShared } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';

const upstream = await scriptedUpstream();
const redis = await startRedis(); // as it comes: without keyspace events
const nodes = await startNodes(3, {
  upstream,
  redis,
  breaker: '{ failure_threshold: 4, reset_timeout_seconds: 60, half_open_success_threshold: 1 }',
});
await Promise.all(nodes.map(untilShared));

afterAll(async () => {
  await stopAll(nodes);
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await redis.client.del(BREAKER_KEY);
  upstream.behaviour = 200;
  await untilSeen(nodes, 'passed');
});

const failuresAt = async ({ adminPort }: Gateway): Promise<number | undefined> => {
  const { body } = await get(adminPort, '/admin/status');
  return (JSON.parse(body) as { readonly breakers: readonly { readonly failures: number }[] }).breakers[0]?.failures;
};

const [first, second] = nodes;
if (first === undefined || second === undefined) throw new Error('unreachable');

describe('failures of several nodes', () => {
  test('are pooled: two here and two there open it for all, and anybody can read why', async () => {
    upstream.behaviour = 500;
    expect([...(await statuses(first, 2)), ...(await statuses(second, 2))]).toEqual([500, 500, 500, 500]);
    expect(await untilSeen(nodes, 'OPEN')).toBeLessThan(2_000);
    const hash = await redis.client.hgetall(BREAKER_KEY);
    expect(hash).toMatchObject({ api: 'OPEN', 'api:reason': 'consecutive_failures' });
    expect(Number(hash['api:failures'])).toBeGreaterThanOrEqual(4); // looking for it may have added one
    expect(Number(hash['api:open_until']) - Number(hash['api:opened_at'])).toBe(60_000);
    expect(hash['api:node']).not.toBe('');
    expect(Number(hash['api:epoch'])).toBeGreaterThan(0);
  });

  test('a success anywhere begins the count anew', async () => {
    for (const node of nodes) {
      upstream.behaviour = 500;
      expect(await statuses(node, 3)).toEqual([500, 500, 500]);
      upstream.behaviour = 200;
      expect(await statuses(node, 1)).toEqual([200]);
      // Within the 10 ms in which reports are gathered another node may still count on from the old number.
      for (const each of nodes) await eventually(async () => (await failuresAt(each)) === 0, 'the count is 0');
    }
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
  });
});

describe('redis-cli', () => {
  test('DEL closes every node within 2 s', async () => {
    upstream.behaviour = 500;
    await statuses(first, 4);
    await untilSeen(nodes, 'OPEN');
    upstream.behaviour = 200;
    await redis.client.del(BREAKER_KEY);
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
    for (const node of nodes) expect(await statuses(node, 3)).toEqual([200, 200, 200]);
  });

  test('HSET OPEN opens every node within 2 s, and the machine goes on from there', async () => {
    await redis.client.hset(BREAKER_KEY, 'api', 'OPEN');
    expect(await untilSeen(nodes, 'OPEN')).toBeLessThan(2_000);
    await redis.client.hset(BREAKER_KEY, 'api', 'HALF_OPEN');
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(4_000); // a probe has closed it
    await redis.client.hset(BREAKER_KEY, 'api', 'OPEN');
    await untilSeen(nodes, 'OPEN');
    await redis.client.hset(BREAKER_KEY, 'api', 'CLOSED');
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
  });

  test('FLUSHDB is a DEL', async () => {
    await redis.client.hset(BREAKER_KEY, 'api', 'OPEN');
    await untilSeen(nodes, 'OPEN');
    await redis.client.flushdb();
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
    upstream.behaviour = 500;
    expect(await statuses(first, 4)).toEqual([500, 500, 500, 500]);
    expect(await untilSeen(nodes, 'OPEN')).toBeLessThan(2_000);
  });
});
