import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { statuses } from '../support/requests.ts';
import { eventually, quietFor } from '../support/wait.ts';
import { healthOf, startLimited, tokensOf, untilHealth } from './setup.ts';
import { startSteadyLoad } from './steady-load.ts';

test('a client that is steady sees no refusal through an outage and after it', async () => {
  await using redis = await startRedis(['--appendonly', 'yes']);
  const env = { WORKERS: '2', RATE_LIMIT_CAPACITY: '40', RATE_LIMIT_REFILL_RATE: '40' };
  await using limited = await startLimited({ redis, env });
  await untilHealth(limited.port, 'ok');
  await using load = startSteadyLoad({ ports: [limited.port], clients: 1, paceMs: 30 });
  await load.during(1_000);
  redis.kill('SIGKILL');
  await eventually(async () => (await healthOf(limited.port)).status === 'degraded', 'it goes on alone');
  await load.during(3_000);
  await redis.restart();
  await untilHealth(limited.port, 'ok');
  await load.during(2_000);
  expect(load.samples.filter(({ status }) => status !== 200)).toEqual([]);
});

test('what was granted while Redis was away is owed: charged when it is back, and before the process ends', async () => {
  await using redis = await startRedis();
  const env = { WORKERS: '2', RATE_LIMIT_CAPACITY: '1000', RATE_LIMIT_REFILL_RATE: '0.001' };
  await using limited = await startLimited({ redis, env });
  expect(await statuses(limited.port, 10)).toEqual(Array(10).fill(200));
  redis.kill('SIGSTOP');
  await eventually(
    async () => (await healthOf(limited.port)).status === 'degraded' || !(await statuses(limited.port, 2)),
    'it goes on alone',
  );
  const before = await statuses(limited.port, 30);
  expect(before).toEqual(Array(30).fill(200));
  redis.kill('SIGCONT');
  await untilHealth(limited.port, 'ok');
  await eventually(async () => (await tokensOf(redis.client, '127.0.0.1')) <= 960, 'all is charged');
  redis.kill('SIGSTOP');
  expect(await statuses(limited.port, 30)).toEqual(Array(30).fill(200));
  const ended = limited.gateway.stop('SIGTERM');
  await quietFor(50, 'the drain begins without Redis');
  redis.kill('SIGCONT');
  expect(await ended).toBe(0);
  expect(await tokensOf(redis.client, '127.0.0.1')).toBeLessThanOrEqual(930);
});
