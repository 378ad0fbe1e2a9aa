import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { eventually } from '../support/wait.ts';
import { NO_REFILL, PATIENT, startLimited } from './setup.ts';
import type { Limited } from './setup.ts';
import { get, statuses, tally } from '../support/requests.ts';

const env = (name: string) => ({
  NODE_NAME: name,
  RATE_LIMIT_CAPACITY: '10',
  RATE_LIMIT_REFILL_RATE: NO_REFILL,
  RATE_LIMIT_KEY: 'header-plain:client',
  ...PATIENT,
});

const liveNodes = async ({ gateway }: Limited): Promise<unknown> =>
  (JSON.parse((await get(gateway.adminPort, { path: '/admin/status' })).body) as Record<string, unknown>)['liveNodes'];

test('nodes say that they live, limit by their share without Redis, and are gone after their drain', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await using two = await startLimited({ redis, env: { ...env('two'), WORKERS: '2' } });
  await eventually(async () => (await liveNodes(one)) === 2 && (await liveNodes(two)) === 2, 'each counts two');
  expect((await redis.client.zrange('api-gateway:nodes', '0', '-1')).sort()).toEqual(['one', 'two']);
  await eventually(async () => {
    const said = JSON.parse((await redis.client.get('api-gateway:node:two')) ?? '{}') as Record<string, unknown>;
    return String(said['address']).endsWith(`:${two.port}`);
  }, 'the address is right');
  const said: unknown = JSON.parse((await redis.client.get('api-gateway:node:two')) ?? '');
  expect(said).toMatchObject({ name: 'two', threads: 2, version: expect.stringMatching(/^\d/) });
  expect(Date.now() - Date.parse((said as { started: string }).started)).toBeLessThan(60_000);
  expect(await redis.client.pttl('api-gateway:node:one')).toBeGreaterThan(0);

  // The client that Redis knew had six of ten left: three for each. A new one gets half of the whole.
  expect(await statuses(one.port, 4, { headers: { client: 'known' } })).toEqual(Array(4).fill(200));
  redis.kill('SIGKILL');
  const isLost = (line: Readonly<Record<string, unknown>>) =>
    String(line['msg']).startsWith('rate limits: Redis is not asked');
  await eventually(
    () => one.gateway.log.filter(isLost).length === 1 && two.gateway.log.filter(isLost).length === 1,
    'every thread goes on alone',
  );
  expect(tally(await statuses(one.port, 10, { headers: { client: 'known' } }))).toEqual({ 200: 3, 429: 7 });
  for (const { port } of [one, two]) {
    expect(tally(await statuses(port, 10, { headers: { client: 'new' } }))).toEqual({ 200: 5, 429: 5 });
  }

  await redis.restart();
  await eventually(async () => (await redis.client.zcard('api-gateway:nodes')) === 2, 'both are back');
  expect(await two.gateway.stop('SIGTERM')).toBe(0);
  expect(await redis.client.zrange('api-gateway:nodes', '0', '-1')).toEqual(['one']);
  expect(await redis.client.exists('api-gateway:node:two')).toBe(0);
  await eventually(async () => (await liveNodes(one)) === 1, 'the other counts one');
});

test('a node that was killed is forgotten by itself', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await using two = await startLimited({ redis, env: env('two') });
  await eventually(async () => (await liveNodes(one)) === 2, 'two live');
  await two.gateway.stop('SIGKILL');
  await eventually(async () => (await liveNodes(one)) === 1, 'one lives', 9_000);
  expect(await redis.client.exists('api-gateway:node:two')).toBe(0);
});
