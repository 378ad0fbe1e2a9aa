import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { eventually } from '../support/wait.ts';
import { NO_REFILL, PATIENT, startLimited, untilHealth } from './setup.ts';
import { get, statuses } from '../support/requests.ts';

const MODES = ['local', 'open', 'closed'] as const;

const ROUTES = MODES.map(
  (mode) =>
    `  - { path: /${mode}, upstream: demo, strip_prefix: true, on_store_failure: ${mode}, ` +
    `limits: [{ name: ${mode}, capacity: 4, refill_per_second: ${NO_REFILL} }] }\n`,
).join('');

test('without Redis each route does what its on_store_failure says, and shares again when it is back', async () => {
  await using redis = await startRedis(['--save', '3600 1', '--appendonly', 'yes', '--appendfsync', 'always']);
  await using limited = await startLimited({ redis, routes: ROUTES, env: PATIENT });
  const run = (mode: string, count: number): Promise<number[]> =>
    statuses(limited.port, count, { path: `/${mode}/ok` });
  expect(await run('local', 1)).toEqual([200]);
  expect(await run('open', 5)).toEqual([200, 200, 200, 200, 429]);
  expect(await run('closed', 1)).toEqual([200]);

  redis.kill('SIGKILL');
  await limited.gateway.waitForLog((line) => String(line['msg']).startsWith('rate limits: Redis is not asked'));
  // A refusal that is remembered is still right: nothing was open when it was made. It ends by itself.
  await eventually(async () => (await get(limited.port, { path: '/open/ok' })).status === 200, 'open lets pass');
  expect(await run('open', 10)).toEqual(Array(10).fill(200));
  const opened = await get(limited.port, { path: '/open/ok' });
  expect(Object.keys(opened.headers).filter((name) => name.includes('ratelimit'))).toEqual([]);

  // From the level last known: one of four was spent.
  expect(await run('local', 5)).toEqual([200, 200, 200, 429, 429]);
  const refused = await get(limited.port, { path: '/local/ok' });
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'rate_limited' });
  expect(refused.headers['x-ratelimit-remaining']).toBe('0');

  const closed = await get(limited.port, { path: '/closed/ok' });
  expect([closed.status, closed.headers['retry-after']]).toEqual([503, '1']);
  expect(JSON.parse(closed.body)).toMatchObject({ status: 503, code: 'limits_unavailable' });
  expect(closed.body).not.toContain('429');
  expect(Object.keys(closed.headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
  expect(await run('closed', 10)).toEqual(Array(10).fill(503));

  await redis.restart();
  await untilHealth(limited.port, 'ok');
  expect(await run('closed', 4)).toEqual([200, 200, 200, 429]);
  // Three were granted without Redis, and are owed.
  expect(await run('local', 4)).toEqual([429, 429, 429, 429]);
});
