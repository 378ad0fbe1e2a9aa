import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BREAKER_KEY } from '../../src/shared/redis/keys.ts';
import { OUTCOME } from '../../src/shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../src/shared/breaker/outcome.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startNode } from './nodes.ts';
import type { TestNode, TestNodeOptions } from './nodes.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { quietFor, until } from '../support/wait.ts';

const { FAILURE, SUCCESS, IGNORED } = OUTCOME;
const SLOW_RULE = { resetTimeoutMs: 60_000 };

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  await redis.client.flushall();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

class Cluster extends Array<TestNode> implements Disposable {
  [Symbol.dispose](): void {
    for (const node of this) node[Symbol.dispose]();
  }
  all(state: string): boolean {
    return this.every((node) => node.state() === state);
  }
  views = (): unknown => this.map((node) => node.front.view()[0]);
}

async function startCluster(
  size: number,
  options: TestNodeOptions = {},
): Promise<Cluster & { readonly [i: number]: TestNode }> {
  const nodes = new Cluster();
  for (let i = 0; i < size; i++) nodes.push(startNode({ redisPort: redis.port, ...options }));
  await until(() => nodes.every((node) => node.front.scope() === 'cluster'));
  return nodes;
}

const at = (nodes: Cluster, i: number): TestNode => {
  const node = nodes[i];
  if (node === undefined) throw new Error(`no node ${i}`);
  return node;
};
const counted = (n: number) => async (): Promise<boolean> =>
  (await redis.client.hget(BREAKER_KEY, 'api:failures')) === String(n);
const stored = async (): Promise<string | null> => redis.client.hget(BREAKER_KEY, 'api');

describe('several nodes on one Redis', () => {
  test('failures are pooled, opening reaches every node, and any node may send the probe', async () => {
    using nodes = await startCluster(4);
    for (let i = 0; i < 4; i++) {
      await at(nodes, i).fail(1);
      await until(counted(i + 1));
    }
    expect(nodes.all('CLOSED')).toBe(true);
    await at(nodes, 0).fail(1);
    await until(() => nodes.all('OPEN'), { withinMs: 500 });
    await until(() => nodes.all('HALF_OPEN'));
    expect(await at(nodes, 3).succeed(2)).toEqual([SUCCESS, SUCCESS]);
    await until(() => nodes.all('CLOSED'), { withinMs: 500 });
    expect(await stored()).toBe('CLOSED');
  });

  test('one node opens at exactly the threshold, without waiting for Redis', async () => {
    using nodes = await startCluster(2);
    const seen = await at(nodes, 1).fail(20);
    expect(seen.filter((one) => one === FAILURE)).toHaveLength(5);
    await until(async () => (await stored()) === 'OPEN');
  });

  test('a success on another node resets the count', async () => {
    using nodes = await startCluster(2);
    await at(nodes, 0).fail(4);
    await until(counted(4));
    await until(async () => {
      await at(nodes, 1).succeed(1);
      return counted(0)();
    });
    // Until it has heard of that it counts on from 4, and would refuse for the moment until the truth overrules it.
    await until(() => at(nodes, 0).front.view()[0]?.failures === 0);
    await at(nodes, 0).fail(4);
    await until(counted(4));
    expect(nodes.all('CLOSED')).toBe(true);
  });

  test('healthy traffic costs Redis nothing but the re-read', async () => {
    using nodes = await startCluster(1);
    await redis.client.config('RESETSTAT');
    const startMs = performance.now();
    await at(nodes, 0).succeed(5_000);
    const rereads = Math.ceil((performance.now() - startMs) / 1_000);
    const stats = await redis.client.info('commandstats');
    expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0)).toBeLessThanOrEqual(rereads);
    expect(await redis.client.exists(BREAKER_KEY)).toBe(0);
  });

  test('never more probes in flight in the cluster than successes are needed', async () => {
    using nodes = await startCluster(4, { rule: { halfOpenSuccesses: 3 } });
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('HALF_OPEN'));
    let inFlight = 0;
    let most = 0;
    let probes = 0;
    const probe = async (): Promise<BreakerOutcome> => {
      most = Math.max(most, ++inFlight);
      await quietFor(3, 'a probe is under way');
      inFlight -= 1;
      probes += 1;
      return IGNORED;
    };
    await until(async () => {
      await Promise.all(nodes.flatMap((node) => [1, 2, 3].map(() => node.exchange(probe))));
      return probes > 60;
    });
    expect(most).toBe(3);
    await until(async () => {
      await Promise.all(nodes.map((node) => node.succeed(1)));
      return nodes.all('CLOSED');
    });
  });

  test('the permit of a node that vanishes lapses', async () => {
    using nodes = await startCluster(2, { rule: { halfOpenSuccesses: 1, permitMs: 600 } });
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('HALF_OPEN'));
    let probes = 0;
    void at(nodes, 0).exchange(() => new Promise<BreakerOutcome>(() => probes++));
    await until(() => probes === 1);
    expect(await at(nodes, 1).exchange(() => SUCCESS)).toBe('refused');
    at(nodes, 0).front.close();
    await until(async () => (await at(nodes, 1).exchange(() => SUCCESS)) === SUCCESS, { withinMs: 2_000 });
    await until(async () => (await stored()) === 'CLOSED');
  });

  test('a probe slower than its permit keeps it, and its success counts', async () => {
    using nodes = await startCluster(2, { rule: { halfOpenSuccesses: 1, permitMs: 1_200 } });
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('HALF_OPEN'));
    const slow = at(nodes, 0).exchange(async () => {
      await quietFor(1_800, 'longer than its permit, which is renewed meanwhile');
      expect(await at(nodes, 1).exchange(() => SUCCESS)).toBe('refused');
      return SUCCESS;
    });
    expect(await slow).toBe(SUCCESS);
    await until(() => nodes.all('CLOSED'));
  });

  test('clocks a minute apart change nothing', async () => {
    using ahead = startNode({ redisPort: redis.port, clockSkewMs: 60_000 });
    using behind = startNode({ redisPort: redis.port, clockSkewMs: -60_000 });
    await until(() => ahead.front.scope() === 'cluster' && behind.front.scope() === 'cluster');
    await ahead.fail(5);
    await until(() => behind.state() === 'OPEN', { withinMs: 500 });
    expect(behind.front.view()[0]?.openForMs).toBeLessThanOrEqual(400);
    await until(() => behind.state() === 'HALF_OPEN' && ahead.state() === 'HALF_OPEN', { withinMs: 1_000 });
    await behind.succeed(2);
    await until(() => ahead.state() === 'CLOSED', { withinMs: 500 });
  });

  test('a node that starts takes over what is stored, and does not overwrite it', async () => {
    using nodes = await startCluster(1, { rule: SLOW_RULE });
    await at(nodes, 0).fail(5);
    await until(async () => (await stored()) === 'OPEN');
    using late = startNode({ redisPort: redis.port, rule: SLOW_RULE });
    await until(() => late.state() === 'OPEN', { withinMs: 1_000 });
    expect(await stored()).toBe('OPEN');
  });
});

describe('clients', () => {
  const window = { windowMs: 10_000, minVolume: 10, errorRate: 0.5, slowRate: 0 };
  const opened = (nodes: Cluster): number =>
    nodes.flatMap(({ notices }) => notices).filter((n) => n.type === 'transition' && n.change.to === 'OPEN').length;

  test('a node that saw only failures does not decide alone', async () => {
    using nodes = await startCluster(2, { upstream: { window }, rule: SLOW_RULE });
    const good = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5'];
    const bad = ['203.0.113.1', '203.0.113.2'];
    await at(nodes, 1).succeed(1, good[0]);
    await at(nodes, 0).fail(1, bad[0]);
    /** What the node has told of requests, failures and clients. */
    const told = async (node: TestNode): Promise<readonly [number, number, number]> => {
      const text = (await redis.client.hget(BREAKER_KEY, 'api:tallies')) ?? '{}';
      const tallies = JSON.parse(text) as Record<string, [number, number, number, unknown[]]>;
      const [, requests, failures, clients] = tallies[node.name] ?? [0, 0, 0, []];
      return [requests, failures, clients.length];
    };
    let failed = 1;
    const fail = async (client: string | undefined): Promise<void> => {
      await at(nodes, 0).fail(1, client);
      failed++;
      await until(async () => (await told(at(nodes, 0)))[1] === failed);
    };
    await until(async () => {
      for (const client of good) await at(nodes, 1).succeed(1, client);
      await fail(bad[0]);
      return (await told(at(nodes, 1)))[2] === good.length;
    });
    await fail(bad[0]); // whose answer brings what the other node has told
    for (let i = 0; i < 40; i++) {
      await fail(bad[i % 2]);
      expect(await at(nodes, 1).succeed(1, good[i % good.length])).toEqual([SUCCESS]);
    }
    expect(await at(nodes, 0).succeed(1, good[0])).toEqual([SUCCESS]);
    expect([opened(nodes), await stored()]).toEqual([0, 'CLOSED']);
  });

  test('an opening for one client is for that client on every node, and others end it from any', async () => {
    using nodes = await startCluster(2, { upstream: { window }, rule: SLOW_RULE });
    await at(nodes, 0).fail(6, '203.0.113.1');
    await until(() => nodes.all('OPEN'), { withinMs: 1_000 });
    expect(await at(nodes, 1).succeed(1, '203.0.113.1')).toEqual(['refused']);
    expect(await at(nodes, 1).succeed(1, '192.0.2.1')).toEqual([SUCCESS]);
    expect(await at(nodes, 0).succeed(1, '192.0.2.2')).toEqual([SUCCESS]);
    await until(() => nodes.all('CLOSED'), { withinMs: 1_000 });
    expect(await stored()).toBe('CLOSED');
  });

  test('a second client that fails opens it for all, wherever', async () => {
    using nodes = await startCluster(2, { upstream: { window }, rule: SLOW_RULE });
    await at(nodes, 0).fail(6, '203.0.113.1');
    await until(() => nodes.all('OPEN'), { withinMs: 1_000 });
    expect(await at(nodes, 1).fail(1, '192.0.2.1')).toEqual([FAILURE]);
    for (const node of nodes) {
      await until(
        async () =>
          (await node.succeed(1, '192.0.2.9'))[0] === 'refused' && node.front.view()[0]?.reason === 'second_client',
      );
    }
  });
});

describe('a quorum of nodes', () => {
  const rule = { ...SLOW_RULE, minNodes: 2 };

  test('one node that alone fails opens for itself, not for the others; DEL resets it too', async () => {
    using nodes = await startCluster(3, { rule, liveNodes: 3 });
    expect((await at(nodes, 0).fail(7)).filter((one) => one === FAILURE)).toHaveLength(5);
    await until(() => at(nodes, 0).front.view()[0]?.scope === 'isolated');
    await until(async () => (await redis.client.hget(BREAKER_KEY, 'api:isolated')) !== null);
    expect(await stored()).toBe('CLOSED');
    expect(await at(nodes, 1).succeed(3)).toEqual([SUCCESS, SUCCESS, SUCCESS]);
    expect(at(nodes, 0).state()).toBe('OPEN');
    await redis.client.del(BREAKER_KEY);
    await until(() => nodes.all('CLOSED'), { withinMs: 2_000 });
  });

  test('it closes by its own probes', async () => {
    using nodes = await startCluster(2, { rule: { minNodes: 2 }, liveNodes: 2 });
    await at(nodes, 0).fail(5);
    await until(() => at(nodes, 0).front.view()[0]?.scope === 'isolated');
    await until(() => at(nodes, 0).state() === 'HALF_OPEN');
    await at(nodes, 0).succeed(2);
    await until(() => at(nodes, 0).state() === 'CLOSED' && at(nodes, 0).front.view()[0]?.scope === 'cluster');
    await until(async () => (await redis.client.hget(BREAKER_KEY, 'api:isolated')) === null);
  });

  test('a second node that fails opens it for all', async () => {
    using nodes = await startCluster(3, { rule, liveNodes: 3 });
    await at(nodes, 0).fail(5);
    await until(() => at(nodes, 0).front.view()[0]?.scope === 'isolated');
    await at(nodes, 1).fail(1);
    await until(() => nodes.all('OPEN'), { withinMs: 1_500, describe: nodes.views });
    await until(() => at(nodes, 0).front.view()[0]?.scope === 'cluster');
  });
});

describe('by hand', () => {
  test('DEL closes every node within 2 s, and nothing brings the old state back', async () => {
    using nodes = await startCluster(3, { rule: SLOW_RULE });
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('OPEN'));
    await redis.client.del(BREAKER_KEY);
    await until(() => nodes.all('CLOSED'), { withinMs: 2_000 });
    await quietFor(1_500, 'a re-read of every node');
    expect(nodes.all('CLOSED')).toBe(true);
    expect(await redis.client.exists(BREAKER_KEY)).toBe(0);
    expect((await at(nodes, 1).fail(7)).filter((one) => one === FAILURE)).toHaveLength(5);
    await until(() => nodes.all('OPEN'), { withinMs: 500 });
  });

  test('with keyspace events it takes milliseconds', async () => {
    await redis.client.config('SET', 'notify-keyspace-events', 'KA');
    using nodes = await startCluster(2, { rule: SLOW_RULE });
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('OPEN'));
    await redis.client.del(BREAKER_KEY);
    await until(() => nodes.all('CLOSED'), { withinMs: 300 });
    await redis.client.config('SET', 'notify-keyspace-events', '');
  });

  test('HSET OPEN opens everywhere and ends after the reset time', async () => {
    using nodes = await startCluster(2, { rule: { resetTimeoutMs: 1_500 } });
    await redis.client.hset(BREAKER_KEY, 'api', 'OPEN');
    await until(() => nodes.all('OPEN'), { withinMs: 2_000 });
    await until(() => nodes.all('HALF_OPEN'), { withinMs: 2_500 });
    await redis.client.hset(BREAKER_KEY, 'api', 'CLOSED');
    await until(() => nodes.all('CLOSED'), { withinMs: 2_000 });
  });
});

describe('faults', () => {
  test('a lost event heals by the re-read: subscribers killed', async () => {
    using nodes = await startCluster(3, { rule: SLOW_RULE });
    const kill = () => redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await kill();
    await at(nodes, 0).fail(5);
    await kill();
    await until(() => nodes.all('OPEN'), { withinMs: 2_000 });
  });

  test.each([['FLUSHDB'], ['FLUSHALL']])('%s converges to closed, and the breaker works on', async (command) => {
    using nodes = await startCluster(2, { rule: SLOW_RULE });
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('OPEN'));
    await redis.client.call(command);
    await until(() => nodes.all('CLOSED'), { withinMs: 2_000 });
    await at(nodes, 1).fail(5);
    await until(() => nodes.all('OPEN'), { withinMs: 500 });
  });

  test('Redis restarted without persistence converges within 2 s of its return; permits in flight do no harm', async () => {
    using nodes = await startCluster(3);
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('HALF_OPEN'));
    let end: ((outcome: BreakerOutcome) => void) | undefined;
    const probe = at(nodes, 1).exchange(() => new Promise<BreakerOutcome>((resolve) => void (end = resolve)));
    await until(() => end !== undefined);
    await redis.restart();
    await until(() => nodes.all('CLOSED') && nodes.every((node) => node.front.scope() === 'cluster'), {
      withinMs: 2_000,
    });
    end?.(FAILURE);
    await probe;
    expect(nodes.all('CLOSED')).toBe(true);
  });

  test('an opening that ran out during an outage is no evidence against others', async () => {
    using nodes = await startCluster(2, { rule: { resetTimeoutMs: 100 } });
    await at(nodes, 0).fail(5);
    await until(() => nodes.all('OPEN'));
    redis.kill('SIGKILL');
    await until(() => nodes.all('HALF_OPEN') && nodes.every((node) => node.front.scope() === 'node'));
    await redis.restart();
    await until(() => nodes.all('CLOSED') && nodes.every((node) => node.front.scope() === 'cluster'), {
      withinMs: 2_000,
    });
    expect(await redis.client.exists(BREAKER_KEY)).toBe(0);
  });

  test('Redis gone: each process goes on by itself, and joins again without opening for the others', async () => {
    await using cable = await startTcpProxy(redis.port);
    using nodes = await startCluster(2, { rule: { resetTimeoutMs: 3_000 } });
    using cut = startNode({ redisPort: cable.port, rule: { resetTimeoutMs: 3_000 } });
    await until(() => cut.front.scope() === 'cluster');
    cable.cut();
    expect((await cut.fail(9)).filter((one) => one === FAILURE)).toHaveLength(5);
    await until(() => cut.front.scope() === 'node');
    expect(cut.state()).toBe('OPEN');
    cable.mend();
    const steady = setInterval(() => void nodes.map((node) => node.succeed(1)), 20);
    await until(() => cut.front.view()[0]?.scope === 'isolated', { withinMs: 2_000 });
    await quietFor(1_500, 'more than the objection to a reminder, and a re-read of every node');
    expect(nodes.all('CLOSED')).toBe(true);
    expect(cut.state()).toBe('OPEN'); // its own evidence still stands for itself
    await until(() => cut.state() === 'HALF_OPEN');
    await cut.succeed(2);
    await until(() => cut.front.view()[0]?.scope === 'cluster' && cut.state() === 'CLOSED');
    clearInterval(steady);
    expect(await stored()).toBe('CLOSED');
  });

  test('what a node opened during an outage becomes the truth when nobody contradicts it', async () => {
    await using cable = await startTcpProxy(redis.port);
    using cut = startNode({ redisPort: cable.port, rule: SLOW_RULE });
    using other = startNode({ redisPort: redis.port, rule: SLOW_RULE });
    await until(() => cut.front.scope() === 'cluster' && other.front.scope() === 'cluster');
    cable.cut();
    await cut.fail(5);
    cable.mend();
    await until(() => other.state() === 'OPEN', { withinMs: 4_000 });
    await until(() => cut.front.view()[0]?.scope === 'cluster');
    expect(await stored()).toBe('OPEN');
  });

  test('a node that was cut off takes over what happened meanwhile', async () => {
    await using cable = await startTcpProxy(redis.port);
    using cut = startNode({ redisPort: cable.port, rule: SLOW_RULE });
    using other = startNode({ redisPort: redis.port, rule: SLOW_RULE });
    await until(() => cut.front.scope() === 'cluster' && other.front.scope() === 'cluster');
    cable.cut();
    await other.fail(5);
    await until(() => cut.front.scope() === 'node');
    expect(cut.state()).toBe('CLOSED');
    cable.mend();
    await until(() => cut.state() === 'OPEN', { withinMs: 2_000 });
    cable.cut();
    await until(() => cut.front.scope() === 'node');
    expect(cut.state()).toBe('OPEN');
    await redis.client.del(BREAKER_KEY);
    cable.mend();
    await until(() => cut.state() === 'CLOSED', { withinMs: 2_000 });
  });

  test('Redis that hangs is left alone after the time-out; the failures on their way count here', async () => {
    await using cable = await startTcpProxy(redis.port);
    using node = startNode({ redisPort: cable.port, rule: SLOW_RULE });
    await until(() => node.front.scope() === 'cluster');
    cable.stall();
    await node.fail(3);
    await until(() => node.front.scope() === 'node', { withinMs: 3_000 });
    expect((await node.fail(5)).filter((one) => one === FAILURE)).toHaveLength(2);
    expect(node.state()).toBe('OPEN');
    cable.mend();
    await until(() => node.front.scope() === 'cluster', { withinMs: 3_000 });
    await until(async () => (await stored()) === 'OPEN', { withinMs: 4_000 });
  });

  test('started before Redis: works alone, then joins', async () => {
    await using cable = await startTcpProxy(redis.port);
    cable.cut();
    using node = startNode({ redisPort: cable.port, rule: SLOW_RULE });
    await node.fail(5);
    expect(node.state()).toBe('OPEN');
    cable.mend();
    await until(async () => (await stored()) === 'OPEN', { withinMs: 4_000 });
  });
});
