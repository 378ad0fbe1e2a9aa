import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { BREAKER_KEY, startNodes, stopAll, untilSeen, untilShared } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';

let upstream: ScriptedUpstream;
let redis: TestRedis;
let nodes: Gateway[];
const at = (n: number): Gateway => {
  const node = nodes[n];
  if (node === undefined) throw new Error(`no node ${n}`);
  return node;
};

beforeAll(async () => {
  upstream = await scriptedUpstream();
  redis = await startRedis();
  nodes = await startNodes(2, {
    upstream,
    redis,
    breaker: '{ failure_threshold: 2, reset_timeout_seconds: 0.8, half_open_success_threshold: 1 }',
  });
  await Promise.all(nodes.map(untilShared));
});
beforeEach(async () => {
  await redis.client.del(BREAKER_KEY);
  upstream.behaviour = 200;
  await untilSeen(nodes, 'passed');
});
afterAll(async () => {
  await stopAll(nodes);
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const open = async (node: Gateway): Promise<void> => {
  upstream.behaviour = 500;
  expect(await statuses(node, 2)).toEqual([500, 500]);
};

describe('faults', () => {
  test('connections of subscribers that are killed heal by themselves, and nothing is missed', async () => {
    for (let i = 0; i < 3; i++) {
      expect(Number(await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))).toBeGreaterThan(0);
      await open(at(i % 2));
      expect(await untilSeen(nodes, 'OPEN')).toBeLessThan(2_000);
      await redis.client.del(BREAKER_KEY);
      upstream.behaviour = 200;
      expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
    }
  });

  test('Redis restarted empty: nobody opens or closes wrongly while it is away, all agree within 2 s after', async () => {
    await open(at(0));
    await untilSeen(nodes, 'OPEN');
    redis.kill('SIGKILL');
    // Each goes on for itself: still open, then a probe of its own, then closed.
    for (const node of nodes) expect((await get(node.port)).status).toBe(503);
    upstream.behaviour = 200;
    await untilSeen(nodes, 'passed');
    await open(at(1));
    expect((await get(at(1).port)).status).toBe(503);
    upstream.behaviour = 200;
    expect(await statuses(at(0), 3)).toEqual([200, 200, 200]); // what the other saw does not reach it
    await redis.restart();
    await untilSeen(nodes, 'passed');
    // And they are a cluster again. What one remembers of the outage may count as one failure already.
    upstream.behaviour = 500;
    await statuses(at(0), 2);
    await untilSeen(nodes, 'OPEN');
    expect(await redis.client.hget(BREAKER_KEY, 'api')).toBe('OPEN');
  });

  test('Redis hangs: requests do not wait for it', async () => {
    expect(await statuses(at(0), 2)).toEqual([200, 200]);
    redis.kill('SIGSTOP');
    try {
      using watch = stopwatch();
      upstream.behaviour = 500;
      expect(await statuses(at(0), 4)).toEqual([500, 500, 503, 503]);
      upstream.behaviour = 200;
      await untilSeen([at(0)], 'passed');
      expect(watch.ms()).toBeLessThan(6_000);
    } finally {
      redis.kill('SIGCONT');
    }
    await at(0).waitForLog(({ msg }) => String(msg).includes('each node breaks for itself'));
    await eventually(() => at(0).log.filter(({ msg }) => String(msg).includes('Redis answers')).length > 1, 'back');
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
  });

  // The last one: it takes a node away.
  test('a node that is killed holding the only permit: another probes when the permit has lapsed', async () => {
    await open(at(0));
    await untilSeen(nodes, 'OPEN');
    upstream.behaviour = 'hold';
    upstream.clear();
    // Only the first node is asked until it has the permit.
    await eventually(async () => {
      const probe = get(at(0).port).catch(() => undefined);
      await Promise.race([probe, eventually(() => upstream.calls.length > 0, 'a probe').catch(() => undefined)]);
      return upstream.calls.length > 0;
    }, 'the first node holds the permit');
    at(0).process.kill('SIGKILL');
    upstream.behaviour = 200;
    // 5 s of the permit, renewed at most 1 s before its end
    expect(await untilSeen([at(1)], 'passed')).toBeLessThan(8_000);
    expect(await statuses(at(1), 3)).toEqual([200, 200, 200]);
  });
});
