import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { monotonicMs } from '../../src/shared/clock.ts';
import { THREAD } from '../../src/shared/metrics/layout.ts';
import { hashSlotOf } from '../../src/workers/gateway/limits/hash-slot.ts';
import { expectExact } from './hammering.ts';
import { laneSpec, openLimiter } from './open-limiter.ts';
import { startCluster } from '../support/redis-cluster.ts';
import type { TestCluster } from '../support/redis-cluster.ts';
import { openClusterStore } from './stores.ts';
import { until } from '../support/wait.ts';

const TIMEOUT_MS = 100;
/** What a busy machine adds. The node is stopped for as long as the test wants. */
const MARGIN_MS = 900;

describe('Redis Cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  /** Names of clients whose buckets lie on the nth node. */
  const clientsOf = (node: number, count: number): string[] => {
    const names: string[] = [];
    for (let i = 0; names.length < count; i++) {
      const slot = hashSlotOf(`client${i}`);
      if (Math.min(2, Math.floor((slot * 3) / 16_384)) === node) names.push(`client${i}`);
    }
    return names;
  };

  test('slots are those of Redis', async () => {
    for (const name of ['', 'a', '192.0.2.1', '2001:db8::/64', '%3Aodd', 'x'.repeat(72)]) {
      expect(hashSlotOf(name)).toBe(await cluster.nodes[0]?.client.call('CLUSTER', 'KEYSLOT', name));
    }
  });

  test('grants what the bucket allows and at least 99 % of it', async () => {
    await expectExact({ connection: { nodes: cluster.addresses }, cluster: true, seconds: 3 });
  });

  test('full: known clients go on, new ones share the bucket of their address, wherever it lies', async () => {
    const room = { isFull: false };
    const opened = await openClusterStore({ nodes: cluster.addresses }, { room });
    const asked = openLimiter(opened.store, { timeoutMs: 5_000, room });
    const spec = laneSpec({ capacity: 10, refillPerSecond: 0.001 });
    for (let i = 0; i < 6; i++) await asked.ask(`known${i}`, spec);
    room.isFull = true;
    const outcomes: string[] = [];
    for (let i = 0; i < 30; i++) outcomes.push((await asked.ask(`new${i}`, spec)).decision.outcome);
    expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(10);
    for (let i = 0; i < 6; i++) {
      expect((await asked.ask(`known${i}`, spec)).decision).toMatchObject({ mode: 'store', remaining: 8 });
    }
    await asked.limiter.close();
  });

  test('full in memory, one primary: what lies on it is kept, new clients there are counted here, others as ever', async () => {
    const opened = await openClusterStore({ nodes: cluster.addresses });
    const asked = openLimiter(opened.store, { timeoutMs: 5_000 });
    const spec = laneSpec({ capacity: 10, refillPerSecond: 0.001 });
    const [known = '', ...made] = clientsOf(0, 20);
    await asked.ask(known, spec);
    const first = cluster.nodes[0]?.client;
    await first?.config('SET', 'maxmemory', '1mb');
    try {
      expect((await asked.ask(known, spec)).decision.mode).toBe('store');
      const outcomes: string[] = [];
      for (const name of made) outcomes.push((await asked.ask(name, spec)).decision.outcome);
      expect(outcomes.filter((outcome) => outcome === 'granted').length).toBeLessThanOrEqual(10);
      const [elsewhere = ''] = clientsOf(1, 30).slice(-1);
      expect((await asked.ask(elsewhere, spec)).decision).toMatchObject({ mode: 'store', remaining: 9 });
    } finally {
      await first?.config('SET', 'maxmemory', '0');
    }
    await asked.limiter.close();
  });

  test('a slot that has moved: the same request follows it', async () => {
    const opened = await openClusterStore({ nodes: cluster.addresses });
    const asked = openLimiter(opened.store, { timeoutMs: 5_000 });
    const [client = ''] = clientsOf(0, 1);
    await asked.ask(client);
    const id = String(await cluster.nodes[1]?.client.call('CLUSTER', 'MYID'));
    await cluster.nodes[0]?.client.del(`api-gateway:rate-limit:{${client}}`);
    for (const index of [1, 0, 2]) {
      await cluster.nodes[index]?.client.call('CLUSTER', 'SETSLOT', hashSlotOf(client), 'NODE', id);
    }
    const { decision } = await asked.ask(client);
    expect(decision).toMatchObject({ mode: 'store', outcome: 'granted', remaining: 999_999 });
    expect(await cluster.nodes[1]?.client.exists(`api-gateway:rate-limit:{${client}}`)).toBe(1);
    await asked.limiter.close();
  });

  test('a slot on its way: the same request asks where the key will be', async () => {
    const opened = await openClusterStore({ nodes: cluster.addresses });
    const asked = openLimiter(opened.store, { timeoutMs: 5_000 });
    const [, client = ''] = clientsOf(0, 2);
    const slot = hashSlotOf(client);
    const [from, to] = cluster.nodes;
    await to?.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(await from?.client.call('CLUSTER', 'MYID')));
    await from?.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(await to?.client.call('CLUSTER', 'MYID')));
    expect((await asked.ask(client)).decision).toMatchObject({ mode: 'store', remaining: 999_999 });
    expect((await asked.ask(client)).decision).toMatchObject({ mode: 'store', remaining: 999_998 });
    // Several rules: Redis wants all their keys on one side (TRYAGAIN). Decided here, and the node is not blamed.
    const both = laneSpec({}, { rules: [...laneSpec().rules, ...laneSpec({ name: 'daily' }).rules] });
    for (let i = 0; i < 4; i++) expect((await asked.ask(client, both)).decision.mode).toBe('local');
    expect(opened.changes.map((state) => state.kind)).toEqual(['up']);
    await from?.client.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
    await to?.client.call('CLUSTER', 'SETSLOT', slot, 'STABLE');
    await asked.limiter.close();
  });

  test('a stopped node costs its own clients three deadlines, the others nothing', async () => {
    const opened = await openClusterStore({ nodes: cluster.addresses });
    const asked = openLimiter(opened.store, { timeoutMs: TIMEOUT_MS });
    const [here = ''] = clientsOf(2, 1);
    const [elsewhere = ''] = clientsOf(1, 1);
    await asked.ask(here);
    await asked.ask(elsewhere);
    cluster.nodes[2]?.kill('SIGSTOP');
    const { slowestMs, modes } = await asked.askUntil(() => opened.store.state.kind === 'down', here);
    expect(slowestMs).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    expect(modes).toEqual({ local: 3 });
    const endMs = monotonicMs() + 500;
    const others = await asked.askUntil(() => monotonicMs() > endMs, elsewhere);
    // A busy machine may miss a deadline; a node's clients losing their store would be nearly all.
    expect(others.modes['store']).toBeGreaterThan(20 * (others.modes['local'] ?? 0));
    const timeouts = opened.counted.at(THREAD.redisTimeouts);
    const skipped = await asked.ask(here);
    expect(skipped.decision.mode).toBe('local');
    expect(opened.counted.at(THREAD.redisTimeouts)).toBe(timeouts); // it was not asked
    cluster.nodes[2]?.kill('SIGCONT');
    await until(() => opened.store.state.kind === 'up', { withinMs: 1_500 });
    expect((await asked.ask(here)).decision.mode).toBe('store');
    await asked.limiter.close();
  });
});
