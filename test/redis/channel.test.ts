import { expect, test } from 'vitest';
import { BREAKER_KEY } from '../../src/shared/redis/keys.ts';
import { startRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { healthOf, startLimited, untilHealth } from '../limits-gateway/setup.ts';

/* As every user is that ACL SETUSER makes, unless it is told more (acl-pubsub-default resetchannels). */
test('a user who may use no channel: breakers open and are shared, bans hold; only the hints to other nodes are missing', async () => {
  await using redis = await startRedis();
  await redis.client.call('ACL', 'SETUSER', 'gateway', 'on', '>secret', '~*', 'resetchannels', '+@all');
  const env = { REDIS_URL: `redis://gateway:secret@127.0.0.1:${redis.port}`, WORKERS: '1' };
  await using one = await startLimited({ env: { ...env, NODE_NAME: 'one' } });
  await using two = await startLimited({ env: { ...env, NODE_NAME: 'two' } });
  for (const { port } of [one, two]) await untilHealth(port, 'ok');
  for (let i = 0; i < 8; i++) await get(one.port, { path: '/proxy/fail' });
  expect((await get(one.port, { path: '/proxy/fail' })).status).toBe(503);
  await eventually(async () => (await redis.client.hget(BREAKER_KEY, 'default')) === 'OPEN', 'it is open in Redis');
  await eventually(async () => (await get(two.port, { path: '/proxy/fail' })).status === 503, 'the other node sees it');
  const { adminUrl, bearer } = one.gateway;
  const banned = await fetch(`${adminUrl}/admin/limits/192.0.2.9`, {
    method: 'POST',
    headers: { ...bearer, 'content-type': 'application/json' },
    body: JSON.stringify({ state: 'BANNED', for: 60 }),
  });
  expect([banned.status, await banned.json()]).toEqual([200, expect.objectContaining({ scope: 'cluster' })]);
  for (const { port, gateway } of [one, two]) {
    expect((await healthOf(port)).status).toBe('ok');
    expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([]);
  }
});
