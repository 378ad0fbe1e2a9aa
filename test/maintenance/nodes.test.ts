import { expect, it } from 'vitest';
import { maintenanceRecord } from '../../src/shared/maintenance/maintenance.ts';
import { BEARER, TOKEN } from '../admin/setup.ts';
import { untilHealth } from '../limits-gateway/setup.ts';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { eventually, quietFor, stopwatch } from '../support/wait.ts';
import { maintenanceCalls, startRouted } from './setup.ts';
import type { Routed } from './setup.ts';

const KEY = 'api-gateway:maintenance';
const answers = async ({ port }: Routed, path = '/orders'): Promise<number> => (await get(port, path)).status;
/** Of a route, `/orders` where none is said. */
const until = (at: Routed | readonly [Routed, string], status: number, withinMs: number): Promise<number> => {
  const [routed, path = '/orders'] = 'gateway' in at ? [at] : at;
  return eventually(async () => (await answers(routed, path)) === status, `answers ${status}`, withinMs);
};
const nodesOn = async (redis: { readonly port: number }): Promise<[Routed, Routed]> => {
  const one = await startRouted({ redis, env: { NODE_NAME: 'one' } });
  const two = await startRouted({ redis, env: { NODE_NAME: 'two' } });
  await Promise.all([one, two].map(({ port }) => untilHealth(port, 'ok')));
  return [one, two];
};

it('two nodes: what is said on one holds on the other within a second, and so does its end', async () => {
  await using redis = await startRedis();
  const nodes = await nodesOn(redis);
  await using one = nodes[0];
  await using two = nodes[1];
  const [onOne, onTwo] = [maintenanceCalls(one.gateway), maintenanceCalls(two.gateway)];
  expect(await onOne.on({ route: 'orders', for: 60, text: 'soon' })).toMatchObject({ scope: 'cluster', kept: true });
  expect(await answers(one)).toBe(503);
  await until(two, 503, 1_000);
  expect(await answers(two, '/items')).toBe(200);
  expect(await onTwo.list()).toMatchObject({
    scope: 'cluster',
    maintenance: [{ route: 'orders', text: 'soon', scope: 'cluster', by: expect.stringContaining('at one') }],
  });
  const ttlMs = await redis.client.pttl(KEY);
  expect(ttlMs).toBeGreaterThan(50_000);
  expect(ttlMs).toBeLessThanOrEqual(60_000);

  // A node that starts now serves none of it, from its first request on.
  await using three = await startRouted({ redis, env: { NODE_NAME: 'three' } });
  expect(await answers(three)).toBe(503);

  // A change soon after the first is heard as soon.
  await onTwo.on({ for: 60, text: 'all' });
  await until([one, '/items'], 503, 1_000);
  expect(await onTwo.off()).toMatchObject({ maintenance: [] });
  await Promise.all([until(one, 200, 1_000), until([one, '/items'], 200, 1_000), until(three, 200, 1_000)]);
});

it('a lost event: within 6 s', async () => {
  await using redis = await startRedis();
  const nodes = await nodesOn(redis);
  await using one = nodes[0];
  await using two = nodes[1];
  const record = { rank: 1, on: true, text: '', allow: [], by: 'a node whose event was lost' };
  await redis.client.hset(KEY, '*', JSON.stringify({ ...maintenanceRecord.parse(record), until: Date.now() + 60_000 }));
  await Promise.all([until(one, 503, 6_000), until(two, 503, 6_000)]);
  await redis.client.hset(KEY, 'orders', '{"rank":', '#odd', '{"rank":1,"until":"soon"}');
  expect(await maintenanceCalls(one.gateway).off()).toMatchObject({ maintenance: [] });
  await until(two, 200, 1_000);
});

it('neither FLUSHDB nor a backup of before changes what was said', async () => {
  await using redis = await startRedis();
  const nodes = await nodesOn(redis);
  await using one = nodes[0];
  await using two = nodes[1];
  const calls = maintenanceCalls(one.gateway);
  await calls.on({ for: 60 });
  await until(two, 503, 1_000);
  const backup = await redis.client.dumpBuffer(KEY);
  await redis.client.flushdb();
  expect([await answers(one), await answers(two)]).toEqual([503, 503]);
  await eventually(async () => (await redis.client.hexists(KEY, '*')) === 1, 'put back', 7_000);
  expect(await answers(two)).toBe(503);

  await calls.off();
  await until(two, 200, 1_000);
  await redis.client.restore(KEY, 0, backup, 'REPLACE');
  const isOff = async (): Promise<boolean> => ((await redis.client.hget(KEY, '*')) ?? '').includes('"on":false');
  await eventually(isOff, 'its end is put back', 7_000);
  expect([await answers(one), await answers(two)]).toEqual([200, 200]);
});

it('without Redis it is this node’s, and Redis is told when it is back', async () => {
  await using redis = await startRedis();
  const nodes = await nodesOn(redis);
  await using one = nodes[0];
  await using two = nodes[1];
  const calls = maintenanceCalls(one.gateway);
  await calls.on({ route: 'items', for: 600 });
  await until([two, '/items'], 503, 1_000);
  redis.kill('SIGKILL');
  await untilHealth(one.port, 'degraded');
  using watch = stopwatch();
  const said = await calls.on({ route: 'orders', for: 600 });
  expect(said).toMatchObject({
    scope: 'node',
    kept: false,
    maintenance: [{ route: 'items' }, { route: 'orders', scope: 'node' }],
  });
  expect([await answers(one), await answers(two)]).toEqual([503, 200]);
  expect(await calls.off('items')).toMatchObject({ scope: 'node' });
  expect([await answers(one, '/items'), await answers(two, '/items')]).toEqual([200, 503]);
  expect(watch.ms()).toBeLessThan(4_000);
  await redis.restart(); // empty
  await Promise.all([until(two, 503, 8_000), until([two, '/items'], 200, 8_000)]);
  expect(await calls.list()).toMatchObject({
    scope: 'cluster',
    kept: true,
    maintenance: [{ route: 'orders', scope: 'cluster' }],
  });
});

it('alone: kept in STATE_DIR, so that a restart does not end it', async () => {
  const port = String(await freePort());
  await using first = await startRouted({ env: { PORT: port } });
  const env = { PORT: port, STATE_DIR: first.gateway.stateDir, ADMIN_TOKEN: TOKEN };
  const said = await maintenanceCalls(first.gateway).on({
    route: 'orders',
    for: 600,
    text: 'kept',
    allow: ['10.0.0.0/8'],
  });
  expect(said).toMatchObject({ scope: 'node', kept: true });
  await first.gateway.stop('SIGKILL');
  {
    await using second = await startRouted({ env });
    expect([await answers(second), await answers(second, '/items')]).toEqual([503, 200]);
    const calls = maintenanceCalls({ ...second.gateway, bearer: BEARER });
    expect((await calls.list()).maintenance).toMatchObject([{ route: 'orders', text: 'kept', allow: ['10.0.0.0/8'] }]);
    await calls.off();
    await calls.on({ route: 'items', for: 1 });
  }
  await using third = await startRouted({ env });
  expect(await answers(third)).toBe(200);
  await eventually(async () => (await answers(third, '/items')) === 200, 'it ends though nobody was there');
});

it('a Redis that never answers holds up the start for half a second at most', async () => {
  await using redis = await startRedis();
  redis.kill('SIGSTOP');
  try {
    await using routed = await startRouted({ redis });
    expect(await answers(routed)).toBe(200);
    expect(await maintenanceCalls(routed.gateway).on()).toMatchObject({ scope: 'node' });
    await quietFor(50, 'nothing ends it');
    expect(await answers(routed)).toBe(503);
  } finally {
    redis.kill('SIGCONT');
  }
});
