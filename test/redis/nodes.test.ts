import { expect, test } from 'vitest';
import { NODES_KEY, nodeKey } from '../../src/shared/redis/keys.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { eventually } from '../support/wait.ts';
import { healthOf, startLimited, untilHealth } from '../limits-gateway/setup.ts';

interface Status {
  readonly verdict: string;
  readonly liveNodes: number;
  readonly reasons: readonly string[];
  readonly redis: { readonly state: string };
}

const statusOf = async ({ adminUrl }: Gateway): Promise<Status> =>
  (await (await fetch(`${adminUrl}/admin/status`)).json()) as Status;

test('nodes dated in the future are dropped, and live ones are back within two beats', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: { NODE_NAME: 'one' } });
  await using two = await startLimited({ redis, env: { NODE_NAME: 'two' } });
  const counts = async (): Promise<string> =>
    [(await statusOf(one.gateway)).liveNodes, (await statusOf(two.gateway)).liveNodes].join();
  await eventually(async () => (await counts()) === '2,2', 'each counts two');
  const hourMs = 3_600_000;
  // As if Redis' clock had stepped back an hour, with a node that has gone since and some that never were.
  const entries = ['two', 'gone', ...Array.from({ length: 50 }, (_, i) => `forged-${i}`)];
  await redis.client.zadd(NODES_KEY, ...entries.flatMap((name) => [String(Date.now() + hourMs), name]));
  await redis.client.zadd(NODES_KEY, '+inf', 'for-ever', '-inf', 'never');
  await eventually(async () => {
    const names = await redis.client.zrange(NODES_KEY, '0', '-1');
    return names.toSorted().join() === 'one,two' && (await counts()) === '2,2';
  }, 'only those that live are there');
});

test('where the list of nodes or their words are of another type they are made anew', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: { NODE_NAME: 'one' } });
  await eventually(async () => (await redis.client.exists(NODES_KEY)) === 1, 'it beats');
  await redis.client.set(NODES_KEY, 'text');
  await redis.client.del(nodeKey('one'));
  await redis.client.lpush(nodeKey('one'), 'a');
  await eventually(
    async () =>
      (await redis.client.type(NODES_KEY)) === 'zset' && (await redis.client.type(nodeKey('one'))) === 'string',
    'both are as they should be',
  );
  expect((await healthOf(one.port)).status).toBe('ok');
});

test('the same NODE_NAME twice is noticed and said by both, counted, and over when one has gone', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: { NODE_NAME: 'same' } });
  await using two = await startLimited({ redis, env: { NODE_NAME: 'same' } });
  for (const { gateway, port } of [one, two]) {
    await gateway.waitForLog(({ msg, level }) => level === 'error' && String(msg).includes('NODE_NAME'));
    await eventually(async () => {
      const { verdict, liveNodes, reasons, redis: state } = await statusOf(gateway);
      return verdict === 'degraded' && liveNodes === 2 && reasons.join().includes('NODE_NAME') && state.state === 'up';
    }, 'the status says so');
    expect((await healthOf(port)).reasons?.join()).toContain('another process is a node of the name same too');
  }
  await two.gateway.stop('SIGTERM');
  await untilHealth(one.port, 'ok');
  expect(await statusOf(one.gateway)).toMatchObject({ verdict: 'ok', liveNodes: 1 });
});

test('a node that was killed and started again under its name is no second one', async () => {
  await using redis = await startRedis();
  const env = { NODE_NAME: 'again' };
  await using first = await startLimited({ redis, env });
  await eventually(async () => (await redis.client.exists(nodeKey('again'))) === 1, 'it beats');
  await first.gateway.stop('SIGKILL');
  const before = await redis.client.get(nodeKey('again'));
  await using second = await startLimited({ redis, env });
  await eventually(async () => (await redis.client.get(nodeKey('again'))) !== before, 'the new one beats');
  await untilHealth(second.port, 'ok');
  expect(second.gateway.log.filter(({ msg }) => String(msg).includes('NODE_NAME'))).toEqual([]);
});
