import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { statuses } from '../support/requests.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { eventually, quietFor } from '../support/wait.ts';
import { healthOf, startLimited, untilHealth } from './setup.ts';

/* The times are ten times those that the gateway starts with: so a busy machine is no far Redis. */

type Line = Readonly<Record<string, unknown>>;
const saying =
  (text: string) =>
  ({ msg }: Line): boolean =>
    String(msg).startsWith(text);
const isFar = saying('rate limits: Redis is far');
const isLost = saying('rate limits: Redis is not asked');
const isBack = saying('rate limits: Redis answers');
const isSlow = ({ reason }: Line): boolean => String(reason).startsWith('answers after');

test('a Redis that always takes longer than the time-out, but not than its bound, is used, and it is said once', async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis.port);
  proxy.delay(75);
  const env = {
    WORKERS: '2',
    RATE_LIMIT_CAPACITY: '60',
    RATE_LIMIT_REFILL_RATE: '0.001',
    RATE_LIMIT_TIMEOUT_MILLISECONDS: '100',
    RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS: '5000',
  };
  await using limited = await startLimited({ redis: proxy, env });
  await untilHealth(limited.port, 'ok');
  const seen: number[] = [];
  for (let i = 0; i < 10; i++) {
    const asked = Array.from({ length: 12 }, () => statuses(limited.port, 1));
    seen.push(...(await Promise.all(asked)).flat());
  }
  expect(seen.filter((status) => status === 200)).toHaveLength(60);
  expect(seen.filter((status) => status === 429)).toHaveLength(60);
  await eventually(async () => {
    await statuses(limited.port, 1, { headers: { 'x-any': '1' } });
    return limited.gateway.log.some(isFar);
  }, 'it is said');
  expect((await healthOf(limited.port)).status).toBe('ok');
  expect(limited.gateway.log.filter(isFar)).toHaveLength(1);
  expect(limited.gateway.log.filter(isLost)).toEqual([]);
});

test('one that moves farther than the bound is not asked, which is said once, until it is nearer', async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis.port);
  const env = {
    WORKERS: '2',
    RATE_LIMIT_CAPACITY: '100000',
    RATE_LIMIT_TIMEOUT_MILLISECONDS: '100',
    RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS: '300',
  };
  await using limited = await startLimited({ redis: proxy, env });
  await untilHealth(limited.port, 'ok');
  const said = (takes: typeof isLost): number => limited.gateway.log.filter(takes).length;
  const [lostBefore, backBefore] = [said(isLost), said(isBack)];
  proxy.delay(200);
  await eventually(async () => {
    await statuses(limited.port, 4);
    return said(isLost) > lostBefore;
  }, 'it is said that it is not asked');
  const quiet = quietFor(2_000, 'it must not come and go');
  expect(await statuses(limited.port, 30)).toEqual(Array(30).fill(200));
  await quiet;
  expect((await healthOf(limited.port)).status).toBe('degraded');
  expect([said(isLost), said(isBack)]).toEqual([lostBefore + 1, backBefore]);
  expect(said(isSlow)).toBeLessThanOrEqual(1); // and not each time with another number
  expect(said(isFar)).toBe(0);
  proxy.delay(0);
  await untilHealth(limited.port, 'ok');
});
